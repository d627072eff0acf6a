import { PilothouseError, type ErrorCode } from '../../src-shared/error.ts'
import type { EnvironmentId } from '../../src-shared/model/ids.ts'
import { withDeadline } from '../system/deadline.ts'
import type { PointRepository, RepositoryCall } from './point-repository.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { noteDamage } from './repository-damage.ts'

export interface RepositoryUse {
  /** Whose record is told whether the repository could be used. */
  readonly environmentId: EnvironmentId
  readonly repository: PointRepository
  readonly isAlone: boolean
  /** A dead daemon may have left its lock. */
  readonly isAfterCrash: boolean
  readonly call: RepositoryCall
}

/** With these, whoever has the lock had it before, or nobody could take one. */
const LEAVES_NO_LOCK: readonly ErrorCode[] = [
  'repository_missing',
  'repository_locked',
  'wrong_password',
  'no_recovery_point',
]
const CLEARING_MS = 10_000
/** Calls to a repository have bounds of their own, by their progress and in all; this one is for those that do not. */
export const LONG_STEP_MS = 25 * 60 * 60_000

/**
 * Works with a repository in one's turn. Locks of dead owners are removed first after a crash; and where it is found
 * locked, they are, and the work is done once more if there was one: it must have done nothing then. Work that failed or
 * was cut off may have left its own lock, and is not over before that has been looked for, within 10 s. What the contact
 * came to is kept in the environment's record.
 */
export async function useRepository<T>(
  recovery: RecoveryToolkit,
  use: RepositoryUse,
  work: (repository: PointRepository) => Promise<T>,
): Promise<T> {
  const { repository, isAlone, call } = use
  const turn = await recovery.uses.take(repository.location, { isAlone, signal: call.signal })
  try {
    const result = await unlessLocked(use, work)
    noteContact(recovery, use, null)
    return result
  } catch (error) {
    noteContact(recovery, use, error)
    const isLockLeft = !(error instanceof PilothouseError) || !LEAVES_NO_LOCK.includes(error.code)
    if (isLockLeft) await clearLocksBehind(recovery, repository)
    throw error
  } finally {
    turn.dispose()
  }
}

/**
 * After work that may have left a lock. Never rejects: one that stays is cleared before the next use that it is in the
 * way of.
 */
export async function clearLocksBehind(
  { clock, logger }: Pick<RecoveryToolkit, 'clock' | 'logger'>,
  repository: PointRepository,
): Promise<void> {
  const onDeadline = () => new Error(`It took longer than ${CLEARING_MS / 1000} s.`)
  const clear = (signal: AbortSignal) => repository.clearDeadLocks({ signal })
  try {
    await withDeadline(clear, { clock, deadlineMs: CLEARING_MS, onDeadline })
  } catch (error) {
    const { location } = repository
    logger.warn({ err: error, location }, 'The locks that may have been left behind could not be looked at')
  }
}

async function unlessLocked<T>(
  { repository, call, isAfterCrash }: RepositoryUse,
  work: (repository: PointRepository) => Promise<T>,
): Promise<T> {
  // One that is not there has no lock; what that means is for the work to say.
  if (isAfterCrash) await repository.clearDeadLocks(call).catch(unlessCode('repository_missing'))
  try {
    return await work(repository)
  } catch (error) {
    const isLocked = error instanceof PilothouseError && error.code === 'repository_locked'
    if (!isLocked || (await repository.clearDeadLocks(call)) === 0) throw error
    return await work(repository)
  }
}

function unlessCode(code: PilothouseError['code']) {
  return (error: unknown): void => {
    if (!(error instanceof PilothouseError) || error.code !== code) throw error
  }
}

/**
 * Says of the environment's repository that it could not be used and since when, or that it could: what went well at
 * another place, where older points are, says nothing of the one that backups go to. An environment that is not on record
 * any more has nothing to be told. Never throws.
 */
function noteContact(
  recovery: RecoveryToolkit,
  { environmentId: id, repository }: RepositoryUse,
  error: unknown,
): void {
  const { store, clock, logger, repositories } = recovery
  if (error !== null && !isRepositorys(error)) return
  if (error === null && repository.location !== repositories.of(id).location) return
  try {
    store.db.transaction(() => {
      if (store.environments.find(id) === undefined) return
      const at = clock.now()
      const { problem } = store.backupStates.of(id)
      const isKnown = error === null ? problem === null : problem?.endsWith(error.message) === true
      const told = error === null ? null : `At ${new Date(at).toISOString()}: ${error.message}`
      if (!isKnown) store.backupStates.setProblem(id, told, at)
      noteDamage(store, { id, error, at })
    })
  } catch (failure) {
    logger.warn({ err: failure, environmentId: id }, 'What a repository answered could not be recorded')
  }
}

function isRepositorys(error: unknown): error is PilothouseError {
  return error instanceof PilothouseError && /^(?:repository_|wrong_password$)/.test(error.code)
}
