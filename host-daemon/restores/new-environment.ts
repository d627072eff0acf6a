import { PilothouseError, type ErrorCode } from '../../src-shared/error.ts'
import type { EnvironmentId, EnvironmentName, OwnerName } from '../../src-shared/model/ids.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { capacityRefusal, exceededCapacity, ownerRefusal } from '../environments/spawn-command.ts'
import type { Requester } from '../operations/requester.ts'
import { isUniqueViolation } from '../store/database.ts'
import type { HostUsage, InsertLimits, NewEnvironment } from '../store/environments-table.ts'

/** What a new environment that is made of a point is, but for its id. */
export type MadeEnvironment = Omit<NewEnvironment, 'id'>

/** Inserts it with an id of its own, within every limit; in the caller's transaction. Throws to refuse, as a spawn does. */
export function insertEnvironment(
  recovery: RecoveryToolkit,
  limits: InsertLimits,
  made: MadeEnvironment,
): { readonly id: EnvironmentId; readonly name: EnvironmentName } {
  const { store } = recovery
  const environment: NewEnvironment = { ...made, id: freshId(recovery) }
  try {
    if (store.environments.insertWithinLimits(environment, limits)) return environment
  } catch (error) {
    // Whatever else must be unique is not the name's fault.
    if (!isUniqueViolation(error)) throw error
    refuseTakenName(recovery, made.name)
    throw error
  }
  const { capacity } = limits
  throw ownerRefusal(recovery, made.owner) ?? capacityRefusal(recovery, { capacity, size: made.size })
}

export function refuseTakenName({ store }: RecoveryToolkit, name: EnvironmentName): void {
  if (store.environments.resolve(name) === undefined) return
  throw new PilothouseError('name_taken', `There is an environment ${name} on this host already.`)
}

interface Wish {
  readonly name: EnvironmentName
  readonly owner: OwnerName
  readonly wanted: HostUsage
}

/** Throws where no such environment could be inserted now. Nothing is kept for it. */
export function refuseHopelessInsert(recovery: RecoveryToolkit, { capacity }: InsertLimits, wish: Wish): void {
  refuseTakenName(recovery, wish.name)
  const refusal = ownerRefusal(recovery, wish.owner) ?? exceededCapacity(recovery, capacity, wish.wanted)
  if (refusal !== undefined) throw refusal
}

function freshId({ store, random }: RecoveryToolkit): EnvironmentId {
  let id: EnvironmentId
  do id = `env-${random.hex(4)}` as EnvironmentId
  while (store.environments.find(id) !== undefined || store.points.list({ environmentId: id, limit: 1 }).length > 0)
  return id
}

/** Refusals that say something about who asks for what; a mistyped field or a reused id does not. */
const RECORDED: readonly ErrorCode[] = [
  'owner_not_allowed',
  'owner_inactive',
  'owner_limit_reached',
  'host_limit_reached',
  'name_taken',
  'point_foreign',
]

interface Refused {
  readonly action: 'clone' | 'drill'
  readonly error: unknown
  readonly detail: Readonly<Record<string, unknown>>
}

/** Records that a new environment was refused. The entry belongs to no environment: none was made. */
export function recordRefusal({ store, clock }: RecoveryToolkit, caller: Requester, refused: Refused): void {
  const { action, error, detail } = refused
  if (!(error instanceof PilothouseError) || !RECORDED.includes(error.code)) return
  const { code, message } = error
  const { actor, requestId } = caller
  const about = { action, outcome: 'refused', operationId: null, environmentId: null }
  const entry = { ...about, actor, requestId, at: clock.now(), detail: { code, message, ...detail } }
  store.db.transaction(() => store.activity.append(entry))
}
