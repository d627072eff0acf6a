import type { PointRepository, RepositoryCall } from '../backups/point-repository.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { useRepository } from '../backups/repository-work.ts'
import type { StepContext } from '../operations/step.ts'
import type { StoredPoint } from '../store/points-table.ts'

interface Contact {
  readonly point: StoredPoint
  readonly context: Pick<StepContext, 'operation' | 'signal' | 'childStarted'>
}

/** Uses the repository that the point is in, beside others, for an operation; see `useRepository`. */
export async function withPointRepository<T>(
  recovery: RecoveryToolkit,
  { point, context }: Contact,
  work: (repository: PointRepository, call: RepositoryCall) => Promise<T>,
): Promise<T> {
  const { operation, signal, childStarted } = context
  const { environmentId } = point
  const repository = recovery.repositories.at(point.repository)
  const call = { signal, onChild: childStarted }
  const use = { environmentId, repository, isAlone: false, isAfterCrash: operation.resumptions > 0, call }
  return await useRepository(recovery, use, () => work(repository, call))
}
