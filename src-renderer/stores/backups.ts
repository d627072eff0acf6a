import { defineStore } from 'pinia'
import type { BackupPolicy } from '../../src-shared/model/backup.ts'
import type { CommandId } from '../../src-shared/model/ids.ts'
import type { CheckDepth } from '../../src-shared/model/operation-result.ts'
import { useApi } from '../api.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { newCommandId } from '../lib/ids.ts'
import { useCommandsStore } from './commands.ts'
import { useFleetStore } from './fleet.ts'
import type { Submitted } from './submitted.ts'

/** The commands about backups. Each resolves once the host has answered or the call has failed. */
export const useBackupsStore = defineStore('backups', () => {
  const api = useApi()
  const fleet = useFleetStore()
  const commands = useCommandsStore()
  const pressed = new Map<string, Promise<Submitted>>()

  /** However often it is pressed before the host has answered, it is one backup. */
  function backUp(row: EnvironmentRow): Promise<Submitted> {
    const already = pressed.get(row.key)
    if (already !== undefined) return already
    const commandId = newCommandId()
    const input = { commandId, environment: row.environment.id }
    const answered = commands
      .order('backup', row, { commandId, send: (client, options) => client.host.backups.now(input, options) })
      .finally(() => pressed.delete(row.key))
    pressed.set(row.key, answered)
    return answered
  }

  function check(row: EnvironmentRow, { commandId, depth }: { commandId: CommandId; depth: CheckDepth }) {
    const input = { commandId, environment: row.environment.id, depth }
    return commands.order('check', row, {
      commandId,
      send: (client, options) => client.host.backups.check(input, options),
    })
  }

  function prune(row: EnvironmentRow, commandId: CommandId): Promise<Submitted> {
    const input = { commandId, environment: row.environment.id }
    return commands.order('prune', row, {
      commandId,
      send: (client, options) => client.host.backups.prune(input, options),
    })
  }

  /** Null: the host's own again. Rejects with a PilothouseError; the policy then stays as it was. */
  async function setPolicy({ hostId, environment }: EnvironmentRow, policy: BackupPolicy | null): Promise<null> {
    const input = { environment: environment.id, policy }
    const backup = await api.call((client, options) => client.host.backups.setPolicy(input, options), { hostId })
    fleet.apply({ type: 'backup_changed', hostId, backup })
    return null
  }

  return { backUp, check, prune, setPolicy }
})
