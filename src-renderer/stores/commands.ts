import { defineStore } from 'pinia'
import type { CommandId, EnvironmentId, HostId, OperationId, TicketId } from '../../src-shared/model/ids.ts'
import type { OperationKind } from '../../src-shared/model/operation.ts'
import { useApi } from '../api.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { newCommandId } from '../lib/ids.ts'
import { useFleetStore } from './fleet.ts'
import { useSubmitted, type SpawnRequest, type Submitted } from './submitted.ts'

export interface DestroyRequest {
  /** Minted with the dialog, so that a second press is the same command. */
  readonly commandId: CommandId
  readonly ticket: TicketId
  readonly confirmName: string
  readonly reason: string
}

/** The commands given in this window: one entry per commandId, submitted once, never repeated by itself. */
export const useCommandsStore = defineStore('commands', () => {
  const api = useApi()
  const fleet = useFleetStore()
  const { submitted, ended, takeEnded, give, retry } = useSubmitted(fleet)

  function spawn(commandId: CommandId, request: SpawnRequest): Submitted {
    const { hostId, ...input } = request
    const command = { commandId, kind: 'spawn', hostId, name: request.name, spawn: request } as const
    return give(command, (requestId) =>
      api.call((client, options) => client.host.environments.spawn({ commandId, ...input }, options), {
        hostId,
        requestId,
      }),
    ).entry
  }

  /** Start or stop; resolves once the host has answered or the call has failed. */
  function change(kind: 'start' | 'stop', row: EnvironmentRow): Promise<Submitted> {
    const commandId = newCommandId()
    const { id, name, generation } = row.environment
    const { hostId } = row
    const input = { commandId, environment: id, generation }
    return give({ commandId, kind, hostId, name, environmentId: id }, (requestId) =>
      api.call((client, options) => client.host.environments[kind](input, options), { hostId, requestId }),
    ).answered
  }

  /** Runs a destroy plan with its ticket; resolves once the host has answered or the call has failed. */
  function destroy(row: EnvironmentRow, request: DestroyRequest): Promise<Submitted> {
    const { id, name } = row.environment
    const { hostId } = row
    const { commandId, ticket, confirmName } = request
    const reason = request.reason.trim()
    const said = { ...(confirmName === '' ? {} : { confirmName }), ...(reason === '' ? {} : { reason }) }
    const input = { commandId, environment: id, ticket, ...said }
    return give({ commandId, kind: 'destroy', hostId, name, environmentId: id }, (requestId) =>
      api.call((client, options) => client.host.environments.destroy.run(input, options), { hostId, requestId }),
    ).answered
  }

  /** Asks a running operation to stop. Rejects with a PilothouseError. */
  async function cancel(hostId: HostId, id: OperationId): Promise<void> {
    const operation = await api.call((client, options) => client.host.operations.cancel({ id }, options), { hostId })
    fleet.apply({ type: 'operation_changed', hostId, operation })
  }

  /** The command for this environment that the host has not answered yet. */
  function unansweredFor(hostId: HostId, environmentId: EnvironmentId): OperationKind | undefined {
    const all = [...submitted.values()]
    const isIt = (entry: Submitted) => entry.hostId === hostId && entry.environmentId === environmentId
    return all.find((entry) => isIt(entry) && entry.answer === 'sending')?.kind
  }

  return { submitted, ended, takeEnded, spawn, change, destroy, retry, cancel, unansweredFor }
})
