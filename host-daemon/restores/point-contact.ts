import { PilothouseError, type ErrorCode } from '../../src-shared/error.ts'
import type { EnvironmentId } from '../../src-shared/model/ids.ts'
import type { PointRepository, RepositoryCall } from '../backups/point-repository.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import type { StepContext } from '../operations/step.ts'
import type { StoredPoint } from '../store/points-table.ts'

/** What says that the repository could not be used; everything else says nothing of it. */
const PROBLEMS: readonly ErrorCode[] = [
  'repository_missing',
  'repository_locked',
  'repository_unreachable',
  'repository_damaged',
  'wrong_password',
]

interface Contact {
  readonly point: StoredPoint
  readonly context: Pick<StepContext, 'operation' | 'signal' | 'childStarted'>
}

/**
 * Uses the repository that the point is in, beside others. Locks of dead owners are cleared before the first use after a
 * crash, and where a lock is in the way, after which `work` is called once more. How the contact went is recorded.
 */
export async function withPointRepository<T>(
  recovery: RecoveryToolkit,
  { point, context }: Contact,
  work: (repository: PointRepository, call: RepositoryCall) => Promise<T>,
): Promise<T> {
  const { operation, signal, childStarted } = context
  const repository = recovery.repositories.at(point.repository)
  const call = { signal, onChild: childStarted }
  const use = await recovery.uses.take(repository.location, { isAlone: false, signal })
  try {
    if (operation.resumptions > 0) await repository.clearDeadLocks(call)
    const result = await pastDeadLocks(repository, call, () => work(repository, call))
    noteContact(recovery, point.environmentId, null)
    return result
  } catch (error) {
    noteContact(recovery, point.environmentId, error)
    throw error
  } finally {
    use.dispose()
  }
}

async function pastDeadLocks<T>(repository: PointRepository, call: RepositoryCall, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const isLocked = error instanceof PilothouseError && error.code === 'repository_locked'
    if (!isLocked || (await repository.clearDeadLocks(call)) === 0) throw error
    return await work()
  }
}

/** Written only where it is news. An environment that is not on record any more has nothing to be told. */
function noteContact({ store, clock }: RecoveryToolkit, id: EnvironmentId, error: unknown): void {
  const isProblem = error instanceof PilothouseError && PROBLEMS.includes(error.code)
  const isWell = error === null && store.backupStates.of(id).problem !== null
  if ((!isProblem && !isWell) || store.environments.find(id) === undefined) return
  const at = clock.now()
  const problem = isProblem ? `At ${new Date(at).toISOString()}: ${error.message}` : null
  store.db.transaction(() => store.backupStates.setProblem(id, problem, at))
}
