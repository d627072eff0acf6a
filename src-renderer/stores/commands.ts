import { defineStore } from 'pinia'
import { reactive, shallowRef } from 'vue'
import type { Failure } from '../../src-shared/error.ts'
import type { EnvironmentSize } from '../../src-shared/model/environment.ts'
import type {
  CommandId,
  EnvironmentId,
  EnvironmentName,
  HostId,
  ImageRef,
  OperationId,
  OwnerName,
  RequestId,
  TicketId,
} from '../../src-shared/model/ids.ts'
import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import { failureOf, useApi } from '../api.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { newCommandId, newRequestId } from '../lib/ids.ts'
import { useFleetStore } from './fleet.ts'

export interface SpawnRequest {
  readonly hostId: HostId
  readonly name: EnvironmentName
  readonly owner: OwnerName
  readonly image: ImageRef
  readonly size: EnvironmentSize
}

export interface DestroyRequest {
  readonly ticket: TicketId
  readonly confirmName: string
  readonly reason: string
}

/** A command that this window gave, from the click on. */
export interface Submitted {
  readonly commandId: CommandId
  readonly kind: OperationKind
  readonly hostId: HostId
  readonly name: EnvironmentName
  /** Console clock. Every elapsed time of this command counts from here. */
  readonly clickedAt: number
  readonly spawn: SpawnRequest | null
  environmentId: EnvironmentId | null
  requestId: RequestId
  /** `unsure`: no answer came, so the host may or may not have accepted it. */
  answer: 'sending' | 'accepted' | 'refused' | 'unsure'
  operationId: OperationId | null
  failure: Failure | null
}

export interface Ended {
  readonly hostId: HostId
  readonly operation: Operation
}

/** Codes after which the host may still have accepted the command; a retry with the same commandId finds out. */
const UNSURE = new Set(['host_unreachable', 'deadline_exceeded', 'cancelled'])

type Ask = (requestId: RequestId) => Promise<Operation>

/** The commands given in this window: one entry per commandId, submitted once, never repeated by itself. */
export const useCommandsStore = defineStore('commands', () => {
  const api = useApi()
  const fleet = useFleetStore()
  const submitted = reactive(new Map<CommandId, Submitted>())
  const asks = new Map<CommandId, Ask>()
  /** Operations of this window that have ended and were not yet told of. */
  const ended = shallowRef<Ended[]>([])
  const told = new Set<OperationId>()

  fleet.onOperation((hostId, operation) => {
    if (submitted.has(operation.commandId)) noteEnd(hostId, operation)
  })

  function noteEnd(hostId: HostId, operation: Operation): void {
    if (operation.status.kind === 'running' || told.has(operation.id)) return
    told.add(operation.id)
    ended.value = [...ended.value, { hostId, operation }]
  }

  function takeEnded(): Ended[] {
    const taken = ended.value
    ended.value = []
    return taken
  }

  function remember(entry: Pick<Submitted, 'commandId' | 'kind' | 'hostId' | 'name'> & Partial<Submitted>): Submitted {
    const whole: Submitted = {
      clickedAt: Date.now(),
      spawn: null,
      environmentId: null,
      requestId: newRequestId(),
      answer: 'sending',
      operationId: null,
      failure: null,
      ...entry,
    }
    submitted.set(entry.commandId, whole)
    return submitted.get(entry.commandId) ?? whole
  }

  async function send(entry: Submitted, ask: Ask): Promise<Submitted> {
    asks.set(entry.commandId, ask)
    entry.answer = 'sending'
    entry.failure = null
    try {
      const operation = await ask(entry.requestId)
      entry.answer = 'accepted'
      entry.operationId = operation.id
      entry.environmentId = operation.environmentId
      fleet.apply({ type: 'operation_changed', hostId: entry.hostId, operation: newer(entry.hostId, operation) })
    } catch (error) {
      const failure = failureOf(error)
      entry.failure = failure
      entry.answer = UNSURE.has(failure.code) ? 'unsure' : 'refused'
    }
    return entry
  }

  /** The answer may arrive after events that are newer than it. */
  function newer(hostId: HostId, answer: Operation): Operation {
    return fleet.operation(hostId, answer.id) ?? answer
  }

  function spawn(commandId: CommandId, request: SpawnRequest): Submitted {
    const { hostId, ...input } = request
    const entry = remember({ commandId, kind: 'spawn', hostId, name: request.name, spawn: request })
    void send(entry, (requestId) =>
      api.call((client, options) => client.host.environments.spawn({ commandId, ...input }, options), {
        hostId,
        requestId,
      }),
    )
    return entry
  }

  /** Start or stop; resolves with the entry once the host has answered or the call has failed. */
  async function change(kind: 'start' | 'stop', row: EnvironmentRow): Promise<Submitted> {
    const commandId = newCommandId()
    const { id, name, generation } = row.environment
    const { hostId } = row
    const entry = remember({ commandId, kind, hostId, name, environmentId: id })
    const input = { commandId, environment: id, generation }
    return send(entry, (requestId) =>
      api.call((client, options) => client.host.environments[kind](input, options), { hostId, requestId }),
    )
  }

  /** Runs a destroy plan. `commandId` is minted with the dialog, so that a second press is the same command. */
  async function destroy(
    commandId: CommandId,
    row: Pick<EnvironmentRow, 'hostId' | 'environment'>,
    request: DestroyRequest,
  ): Promise<Submitted> {
    const { id, name } = row.environment
    const { hostId } = row
    const reason = request.reason.trim()
    const input = {
      commandId,
      environment: id,
      ticket: request.ticket,
      ...(request.confirmName === '' ? {} : { confirmName: request.confirmName }),
      ...(reason === '' ? {} : { reason }),
    }
    const entry = remember({ commandId, kind: 'destroy', hostId, name, environmentId: id })
    return send(entry, (requestId) =>
      api.call((client, options) => client.host.environments.destroy.run(input, options), { hostId, requestId }),
    )
  }

  /** Sends the very same command again, under a new request id; the host makes it at most once. */
  async function retry(commandId: CommandId): Promise<void> {
    const entry = submitted.get(commandId)
    const ask = asks.get(commandId)
    if (entry === undefined || ask === undefined || entry.answer === 'sending') return
    entry.requestId = newRequestId()
    await send(entry, ask)
  }

  /** Asks a running operation to stop. Rejects with a PilothouseError. */
  async function cancel(hostId: HostId, id: OperationId): Promise<void> {
    const operation = await api.call((client, options) => client.host.operations.cancel({ id }, options), { hostId })
    fleet.apply({ type: 'operation_changed', hostId, operation })
  }

  /** The command for this environment that the host has not answered yet. */
  function unansweredFor(hostId: HostId, environmentId: EnvironmentId): OperationKind | undefined {
    for (const entry of submitted.values()) {
      const isIt = entry.hostId === hostId && entry.environmentId === environmentId
      if (isIt && entry.answer === 'sending') return entry.kind
    }
    return undefined
  }

  return { submitted, ended, takeEnded, spawn, change, destroy, retry, cancel, unansweredFor }
})
