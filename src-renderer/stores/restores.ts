import { defineStore } from 'pinia'
import type { EnvironmentSize } from '../../src-shared/model/environment.ts'
import type { CommandId, EnvironmentName, ImageRef, OwnerName, RecoveryPointRef } from '../../src-shared/model/ids.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { useCommandsStore, type TicketedRequest } from './commands.ts'
import type { Submitted } from './submitted.ts'

interface Pointed {
  /** Minted with what is asked, so that a second press is the same command. */
  readonly commandId: CommandId
  readonly point: RecoveryPointRef
}
interface NewEnvironment {
  readonly name: EnvironmentName
  readonly owner: OwnerName
}
export interface CloneRequest extends Pointed, NewEnvironment {
  /** Null: the source's. */
  readonly image: ImageRef | null
  /** What is to be other than at the source. */
  readonly size: Partial<EnvironmentSize>
}
export interface FilesRequest extends Pointed {
  readonly paths: readonly string[]
  readonly folder: string
}
export interface DrillRequest extends Pointed {
  readonly promoteTo: NewEnvironment | null
}

function typed({ confirmName, reason }: TicketedRequest) {
  return {
    ...(confirmName === '' ? {} : { confirmName }),
    ...(reason.trim() === '' ? {} : { reason: reason.trim() }),
  }
}

const KINDS = { restore: 'restore', undo: 'undo_restore', drop: 'drop_undo' } as const

/** The commands that use a recovery point or a kept home. Each resolves once the host has answered or the call has failed. */
export const useRestoresStore = defineStore('restores', () => {
  const { order } = useCommandsStore()

  function runPlan(kind: keyof typeof KINDS, row: EnvironmentRow, request: TicketedRequest): Promise<Submitted> {
    const { commandId, ticket } = request
    const input = { commandId, environment: row.environment.id, ticket, ...typed(request) }
    return order(KINDS[kind], row, {
      commandId,
      send: (client, options) => client.host[kind].run(input, options),
    })
  }

  function clone(row: EnvironmentRow, request: CloneRequest): Promise<Submitted> {
    const { image, size, ...rest } = request
    const input = {
      ...rest,
      environment: row.environment.id,
      ...(image === null ? {} : { image }),
      ...(Object.keys(size).length === 0 ? {} : { size }),
    }
    const send = { commandId: request.commandId }
    return order('clone', row, { ...send, send: (client, options) => client.host.clone(input, options) })
  }

  function files(row: EnvironmentRow, request: FilesRequest): Promise<Submitted> {
    const input = { ...request, environment: row.environment.id, paths: [...request.paths] }
    const { commandId } = request
    return order('restore_files', row, { commandId, send: (client, options) => client.host.files(input, options) })
  }

  function drill(row: EnvironmentRow, { promoteTo, ...request }: DrillRequest): Promise<Submitted> {
    const input = { ...request, environment: row.environment.id, ...(promoteTo === null ? {} : { promoteTo }) }
    const { commandId } = request
    return order('drill', row, { commandId, send: (client, options) => client.host.drill(input, options) })
  }

  return { runPlan, clone, files, drill }
})
