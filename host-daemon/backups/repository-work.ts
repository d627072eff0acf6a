import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentId } from '../../src-shared/model/ids.ts'
import type { PointRepository, RepositoryCall } from './point-repository.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'

export interface RepositoryUse {
  /** Whose record is told whether the repository could be used. */
  readonly environmentId: EnvironmentId
  readonly repository: PointRepository
  readonly isAlone: boolean
  /** A dead daemon may have left its lock. */
  readonly isAfterCrash: boolean
  readonly call: RepositoryCall
}

/**
 * Works with a repository in one's turn. Locks of dead owners are removed first after a crash; and where it is found
 * locked, they are, and the work is done once more if there was one: it must have done nothing then. What the contact
 * came to is kept in the environment's record.
 */
export async function useRepository<T>(
  recovery: RecoveryToolkit,
  use: RepositoryUse,
  work: (repository: PointRepository) => Promise<T>,
): Promise<T> {
  const { repository, isAlone, call, environmentId } = use
  const turn = await recovery.uses.take(repository.location, { isAlone, signal: call.signal })
  try {
    const result = await unlessLocked(use, work)
    noteContact(recovery, environmentId, null)
    return result
  } catch (error) {
    noteContact(recovery, environmentId, error)
    throw error
  } finally {
    turn.dispose()
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

/** Says of the environment's repository that it could not be used, or that it could. Never throws. */
function noteContact({ store, clock, logger }: RecoveryToolkit, id: EnvironmentId, error: unknown): void {
  if (error !== null && !isRepositorys(error)) return
  const problem = error === null ? null : error.message
  try {
    store.db.transaction(() => {
      if (store.backupStates.of(id).problem !== problem) store.backupStates.setProblem(id, problem, clock.now())
    })
  } catch (failure) {
    logger.warn({ err: failure, environmentId: id }, 'What a repository answered could not be recorded')
  }
}

function isRepositorys(error: unknown): error is PilothouseError {
  return error instanceof PilothouseError && /^(?:repository_|wrong_password$)/.test(error.code)
}
