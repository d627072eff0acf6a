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
} from '../../src-shared/model/ids.ts'
import type { Labels } from '../../src-shared/model/labels.ts'
import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import type { Startup } from '../../src-shared/model/startup.ts'
import { failureOf } from '../api.ts'
import { newRequestId } from '../lib/ids.ts'
import { isAside } from '../lib/operation-words.ts'
import type { useFleetStore } from './fleet.ts'

export interface SpawnRequest {
  readonly hostId: HostId
  readonly name: EnvironmentName
  readonly owner: OwnerName
  readonly image: ImageRef
  readonly size: EnvironmentSize
  readonly labels?: Labels
  /** With its values: kept in memory alone, so that a refused spawn can be corrected. */
  readonly startup?: Startup
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
  /** Whoever gave it has left its view: what the host still answers is told there no more. */
  isLeft: boolean
}

export interface Ended {
  readonly hostId: HostId
  readonly operation: Operation
}

/** What is known of a command when it is given. */
export type NewCommand = Pick<Submitted, 'commandId' | 'kind' | 'hostId' | 'name'> &
  Partial<Pick<Submitted, 'spawn' | 'environmentId'>>

/** Sends the command once. */
export type Ask = (requestId: RequestId) => Promise<Operation>

/** Codes after which the host may still have accepted the command; a retry with the same commandId finds out. */
const UNSURE = new Set(['host_unreachable', 'deadline_exceeded', 'cancelled'])

/** What this window's own commands say of one environment. */
function useOwnCommands(submitted: Map<CommandId, Submitted>, fleet: ReturnType<typeof useFleetStore>) {
  /** Nobody waits for the answers to these commands any more; the commands themselves go on. */
  function leave(environmentId: EnvironmentId): void {
    for (const entry of submitted.values()) if (entry.environmentId === environmentId) entry.isLeft = true
  }

  /** The command for this environment that the host has not answered yet, of those that stand in the way of others. */
  function unansweredFor(hostId: HostId, environmentId: EnvironmentId): OperationKind | undefined {
    const all = [...submitted.values()]
    const isIt = (entry: Submitted) => entry.hostId === hostId && entry.environmentId === environmentId
    return all.find((entry) => isIt(entry) && entry.answer === 'sending' && !isAside(entry.kind))?.kind
  }

  /** The operation of ours that runs on this environment, before the environment's own event has said so. */
  function runningFor(hostId: HostId, environmentId: EnvironmentId): Operation | undefined {
    for (const entry of submitted.values()) {
      if (entry.environmentId !== environmentId || entry.hostId !== hostId || entry.operationId === null) continue
      const operation = fleet.operation(hostId, entry.operationId)
      if (operation?.status.kind === 'running' && !isAside(operation.kind)) return operation
    }
    return undefined
  }

  return { leave, unansweredFor, runningFor }
}

/** Operations of this window's commands that have ended since they were last looked at; each is told once. */
function useEnded(submitted: ReadonlyMap<CommandId, Submitted>, fleet: ReturnType<typeof useFleetStore>) {
  const ended = shallowRef<Ended[]>([])
  const told = new Set<OperationId>()

  fleet.onOperation((hostId, operation) => {
    if (!submitted.has(operation.commandId) || operation.status.kind === 'running' || told.has(operation.id)) return
    told.add(operation.id)
    ended.value = [...ended.value, { hostId, operation }]
  })

  function takeEnded(): Ended[] {
    const taken = ended.value
    ended.value = []
    return taken
  }

  /** Whoever looked at its end need not be told of it. */
  function markSeen(id: OperationId): void {
    told.add(id)
    ended.value = ended.value.filter(({ operation }) => operation.id !== id)
  }

  return { ended, takeEnded, markSeen }
}

/** The commands of this window by their id, and what came of them. */
export function useSubmitted(fleet: ReturnType<typeof useFleetStore>) {
  const submitted = reactive(new Map<CommandId, Submitted>())
  const asks = new Map<CommandId, Ask>()

  async function send(entry: Submitted, ask: Ask): Promise<Submitted> {
    entry.answer = 'sending'
    entry.failure = null
    try {
      const operation = await ask(entry.requestId)
      Object.assign(entry, { answer: 'accepted', operationId: operation.id, environmentId: operation.environmentId })
      // Events that are newer than the answer may have come before it.
      const newest = fleet.operation(entry.hostId, operation.id) ?? operation
      fleet.apply({ type: 'operation_changed', hostId: entry.hostId, operation: newest })
    } catch (error) {
      entry.failure = failureOf(error)
      entry.answer = UNSURE.has(entry.failure.code) ? 'unsure' : 'refused'
    }
    return entry
  }

  /** Remembers a command and sends it; the entry is there at once and changes with the answer. */
  function give(command: NewCommand, ask: Ask): { entry: Submitted; answered: Promise<Submitted> } {
    // The same command again is still the click that it began with.
    const clickedAt = submitted.get(command.commandId)?.clickedAt ?? Date.now()
    const fresh = { clickedAt, requestId: newRequestId(), answer: 'sending', operationId: null } as const
    const whole: Submitted = { spawn: null, environmentId: null, failure: null, isLeft: false, ...fresh, ...command }
    submitted.set(command.commandId, whole)
    asks.set(command.commandId, ask)
    const entry = submitted.get(command.commandId) ?? whole
    return { entry, answered: send(entry, ask) }
  }

  /** Sends the very same command again, under a new request id; the host makes it at most once. */
  async function retry(commandId: CommandId): Promise<void> {
    const entry = submitted.get(commandId)
    const ask = asks.get(commandId)
    if (entry === undefined || ask === undefined || entry.answer === 'sending') return
    entry.requestId = newRequestId()
    await send(entry, ask)
  }

  return { submitted, give, retry, ...useEnded(submitted, fleet), ...useOwnCommands(submitted, fleet) }
}
