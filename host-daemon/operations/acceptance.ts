import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'
import type { CommandId, EnvironmentId, EnvironmentName, OperationId } from '../../src-shared/model/ids.ts'
import type { OperationKind } from '../../src-shared/model/operation.ts'
import type { Requester } from './requester.ts'
import type { OperationParams, StoredOperation } from '../store/operation-row.ts'
import type { Store } from '../store/store.ts'
import { hashOf } from './input-hash.ts'
import type { ClaimSpec, OperationDefinition } from './step.ts'

/** A mutating command as it came in. */
export interface Command {
  readonly kind: OperationKind
  readonly caller: Requester
  readonly commandId: CommandId
  /** The call's whole input; its hash tells a retry from a reuse of the id. */
  readonly input: object
}

export interface AcceptRequest extends Command {
  /**
   * Names the environment, making it where the command does. Like the others it runs in the transaction, throws to
   * refuse, and is called again where that has to be done again.
   */
  readonly target: () => { readonly id: EnvironmentId; readonly name: EnvironmentName }
  /** What the steps need beyond the environment's row; asked once the environment is named. Never secrets. */
  readonly params?: () => OperationParams
  /** What the acceptance itself changes, once the claim is held. Runs in the transaction; throws to refuse. */
  readonly admit?: (operationId: OperationId) => void
  /** Goes into the activity record beside the command; never secrets. */
  readonly detail?: Readonly<Record<string, unknown>>
}

export interface Accepted {
  readonly operation: StoredOperation
  /** False for a retry: the operation was there before. */
  readonly isNew: boolean
  /** Shared operations that give way to this one; their cancellation is durable. */
  readonly displaced: readonly OperationId[]
}

interface AcceptanceDeps {
  readonly store: Store
  readonly clock: Clock
  readonly random: RandomSource
  /** Aborted when the daemon ends: nothing is accepted from then on. */
  readonly suspend: AbortSignal
}

/** Takes commands in: idempotency key, claim, operation and activity in one transaction, or nothing. */
export class Acceptance {
  private readonly deps: AcceptanceDeps

  constructor(deps: AcceptanceDeps) {
    this.deps = deps
  }

  /**
   * The operation that this command started before. Throws `command_id_reused` where the id stands for another
   * command, input or user.
   */
  replayOf({ caller, commandId, kind, input }: Command): StoredOperation | undefined {
    const { store } = this.deps
    const known = store.commands.find(commandId)
    if (known === undefined) return undefined
    const { user, uid } = caller.actor
    const isSame = known.inputHash === hashOf({ kind, input }) && known.user === user && known.uid === uid
    if (!isSame) throw new PilothouseError('command_id_reused', `${commandId} stands for another command.`)
    return store.operations.find(known.operationId)
  }

  /** Durable when it resolves. */
  accept(request: AcceptRequest, definition: OperationDefinition): Promise<Accepted> {
    return this.deps.store.db.together(() => {
      if (this.deps.suspend.aborted) throw new PilothouseError('host_unreachable', 'The daemon is ending.')
      const replayed = this.replayOf(request)
      if (replayed !== undefined) return { operation: replayed, isNew: false, displaced: [] }
      const target = request.target()
      const id = this.insert(request, { target, definition })
      const displaced = this.claim(id, { environmentId: target.id, spec: definition.claim })
      request.admit?.(id)
      const operation = this.record(request, id)
      for (const sharer of displaced) this.displace(sharer, operation)
      return { operation, isNew: true, displaced }
    })
  }

  private insert(request: AcceptRequest, { target, definition }: Insertion): OperationId {
    const { store, clock, random } = this.deps
    const id = `op-${random.hex(8)}` as OperationId
    const { actor, requestId } = request.caller
    store.operations.insert({
      id,
      kind: request.kind,
      environmentId: target.id,
      environmentName: target.name,
      commandId: request.commandId,
      requestId,
      actor,
      step: definition.steps[0]?.name ?? '',
      stepCount: definition.steps.length,
      phase: definition.steps.some(({ phase }) => phase !== null) ? 'requested' : null,
      isCancellable: definition.steps[0]?.isCancellable ?? false,
      params: request.params?.() ?? {},
      requestedAt: clock.now(),
    })
    return id
  }

  /** Answers who has to give way. Throws `operation_in_flight`. */
  private claim(operationId: OperationId, { environmentId, spec }: Claiming): readonly OperationId[] {
    const { store, clock } = this.deps
    const claim = { operationId, environmentId, resource: spec.resource, claimedAt: clock.now() }
    if (spec.mode === 'shared') {
      const holder = store.claims.holderOf(environmentId)
      if (holder !== undefined) throw inFlight(store.operations.find(holder), clock.now())
      store.claims.takeShared(claim)
      return []
    }
    const holder = store.claims.takeExclusive(claim)
    if (holder !== undefined) throw inFlight(store.operations.find(holder), clock.now())
    return spec.isDisplacing ? store.claims.sharersOf(environmentId) : []
  }

  private displace(id: OperationId, { id: gaveWayTo, environmentId, actor, requestId, kind }: StoredOperation): void {
    const { store, clock } = this.deps
    store.operations.requestCancel(id, clock.now())
    const about = { operationId: id, environmentId, action: 'give_way', outcome: 'accepted' }
    store.activity.append({ ...about, at: clock.now(), actor, requestId, detail: { gaveWayTo, kind } })
  }

  private record(request: AcceptRequest, id: OperationId): StoredOperation {
    const { store, clock } = this.deps
    const { actor, requestId } = request.caller
    const operation = store.operations.find(id)
    if (operation === undefined) throw new Error(`Operation ${id} was not written`)
    const command = { id: request.commandId, user: actor.user, uid: actor.uid, operationId: id }
    const inputHash = hashOf({ kind: request.kind, input: request.input })
    store.commands.insert({ ...command, inputHash, createdAt: clock.now() })
    store.activity.append({
      at: clock.now(),
      actor,
      requestId,
      operationId: id,
      environmentId: operation.environmentId,
      action: request.kind,
      outcome: 'accepted',
      detail: { commandId: request.commandId, name: operation.environmentName, ...request.detail },
    })
    return operation
  }
}

interface Claiming {
  readonly environmentId: EnvironmentId
  readonly spec: ClaimSpec
}

interface Insertion {
  readonly target: { readonly id: EnvironmentId; readonly name: EnvironmentName }
  readonly definition: OperationDefinition
}

/** Names whoever works on the environment: kind, user, step, age. */
export function inFlight(holder: StoredOperation | undefined, now: number): PilothouseError {
  if (holder === undefined) return new PilothouseError('operation_in_flight', 'Another operation is in flight.')
  const { id, kind, step, environmentName: name } = holder
  const user = holder.actor.user
  const ageMs = Math.max(0, now - holder.requestedAt)
  const message = `${user} is running ${kind} on ${name}: step ${step}, for ${Math.round(ageMs / 1000)} s.`
  return new PilothouseError('operation_in_flight', message, { details: { operationId: id, kind, user, step, ageMs } })
}
