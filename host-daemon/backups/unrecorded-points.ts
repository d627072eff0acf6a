import type { StoredOperation } from '../store/operation-row.ts'
import { withDeadline } from '../system/deadline.ts'
import type { PointRepository, RepositoryCall, RepositoryPoint } from './point-repository.ts'
import { operationOf, operationTag } from './point-tags.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { useRepository } from './repository-work.ts'

/**
 * Forgets what the operation made before the daemon died: whether it is whole is not known, and retention would count
 * it. Rejects where that cannot be done.
 */
export async function forgetMadeBefore(
  recovery: RecoveryToolkit,
  operation: StoredOperation,
  call: RepositoryCall,
): Promise<void> {
  const { environmentId } = operation
  const repository = recovery.repositories.of(environmentId)
  const use = { environmentId, repository, isAfterCrash: true, call }
  const inTurn: InTurn = (isAlone, work) => useRepository(recovery, { ...use, isAlone }, work)
  await forgetUnrecorded(recovery, { operation, call, inTurn })
}

const FORGETTING_MS = 20_000

/**
 * Forgets what an operation made that came to nothing. Never rejects, and tells the environment's record nothing: what
 * the operation failed with is what there is to tell. What cannot be forgotten within 20 s stays, and is logged.
 */
export async function forgetMadeInVain(
  recovery: RecoveryToolkit,
  operation: StoredOperation,
  signal: AbortSignal,
): Promise<void> {
  const { clock, logger } = recovery
  const onDeadline = () => new Error(`It took longer than ${FORGETTING_MS / 1000} s.`)
  try {
    const forget = (bounded: AbortSignal) => {
      const inTurn: InTurn = (isAlone, work) => inPlainTurn(recovery, operation, { isAlone, signal: bounded, work })
      return forgetUnrecorded(recovery, { operation, call: { signal: bounded }, inTurn })
    }
    await withDeadline(forget, { clock, signal, deadlineMs: FORGETTING_MS, onDeadline })
  } catch (error) {
    const { id: operationId, environmentId } = operation
    const says = 'Whether a recovery point of a failed backup is left could not be seen to; retention counts it if so'
    logger.warn({ err: error, operationId, environmentId }, says)
  }
}

/**
 * Forgets what ended backups of the environment have made and not recorded, so that no rule of retention counts it in
 * place of a good point. What is of an operation that this record does not know is somebody's, and stays. Inside a turn
 * alone with the repository.
 */
export async function forgetLeftOver(
  { store, logger }: RecoveryToolkit,
  repository: PointRepository,
  call: RepositoryCall & Pick<StoredOperation, 'environmentId'>,
): Promise<void> {
  const { environmentId } = call
  const isLeftOver = ({ id, tags }: RepositoryPoint): boolean => {
    const operationId = store.points.isOnRecord(id) ? undefined : operationOf(tags)
    const operation = operationId === undefined ? undefined : store.operations.find(operationId)
    return operation?.environmentId === environmentId && operation.status.kind !== 'running'
  }
  const points = (await repository.list(call)).filter(isLeftOver).map(({ id }) => id)
  if (points.length === 0) return
  await repository.forget({ ...call, points })
  logger.warn({ environmentId, points }, 'What backups made and did not record was forgotten')
}

type InTurn = <T>(isAlone: boolean, work: (repository: PointRepository) => Promise<T>) => Promise<T>

interface Forgetting {
  readonly operation: StoredOperation
  readonly call: RepositoryCall
  readonly inTurn: InTurn
}

/** A point that is on record stays, whatever became of the operation after it was recorded. */
async function forgetUnrecorded(
  { store, logger }: RecoveryToolkit,
  { operation, call, inTurn }: Forgetting,
): Promise<void> {
  const { id: operationId, environmentId } = operation
  const listed = await inTurn(false, (repository) => repository.list({ ...call, environmentId }))
  const points = listed
    .filter(isOf(operationId))
    .map(({ id }) => id)
    .filter((id) => !store.points.isOnRecord(id))
  if (points.length === 0) return
  await inTurn(true, (repository) => repository.forget({ ...call, points }))
  logger.warn({ operationId, environmentId, points }, 'What a backup made and did not record was forgotten')
}

function isOf(operationId: StoredOperation['id']) {
  const tag = operationTag(operationId)
  return ({ tags }: RepositoryPoint): boolean => tags.includes(tag)
}

interface PlainTurn<T> {
  readonly isAlone: boolean
  readonly signal: AbortSignal
  readonly work: (repository: PointRepository) => Promise<T>
}

async function inPlainTurn<T>(
  { repositories, uses }: RecoveryToolkit,
  { environmentId }: StoredOperation,
  { isAlone, signal, work }: PlainTurn<T>,
): Promise<T> {
  const repository = repositories.of(environmentId)
  const turn = await uses.take(repository.location, { isAlone, signal })
  try {
    return await work(repository)
  } finally {
    turn.dispose()
  }
}
