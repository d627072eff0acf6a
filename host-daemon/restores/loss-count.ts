import { join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentId, RecoveryPointRef } from '../../src-shared/model/ids.ts'
import type { ChangeCounts } from '../../src-shared/model/recovery-point.ts'
import type { RestoreLoss } from '../../src-shared/model/restore.ts'
import { countChanges } from '../backups/compare-listings.ts'
import { recordToReadBy } from '../backups/home-reading.ts'
import { Listings } from '../backups/listings.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { resolveAnyPoint } from '../backups/resolve-point.ts'
import type { HomeFinding } from '../environments/plan-home.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredPoint } from '../store/points-table.ts'
import { withDeadline } from '../system/deadline.ts'
import { walkTree } from './loss-walk.ts'

/** An abandoned look closes what it had opened within this. */
const LET_GO_MS = 10_000

export interface LossQuestion {
  readonly environment: StoredEnvironment
  readonly home: HomeFinding
  readonly point: StoredPoint
  readonly signal: AbortSignal
}

/** Something else came first, or the count cannot be had: a reason for the plan, no failure of it. */
class NotCounted extends Error {}

/**
 * What going back to the point loses, as far as it can be counted within the bound, the wait for another plan's count
 * included. An operation that is accepted meanwhile has the home for itself: the count ends at once. Rejects with the
 * signal's reason alone.
 */
export async function countLoss(recovery: RecoveryToolkit, question: LossQuestion): Promise<RestoreLoss> {
  const { home, signal } = question
  if (home.kind === 'absent') return { kind: 'no_home' }
  try {
    if (home.kind === 'unreadable') throw new NotCounted(`The home could not be looked at: ${home.problem}`)
    return { kind: 'counted', changes: await countBounded(recovery, question) }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof NotCounted)) {
      const { id: environmentId } = question.environment
      recovery.logger.warn({ err: error, environmentId }, 'What a restore would lose could not be counted')
    }
    const why = error instanceof Error ? error.message : 'The home could not be read.'
    return { kind: 'not_counted', why, sinceLatest: await sinceLatest(recovery, question) }
  }
}

async function countBounded(recovery: RecoveryToolkit, question: LossQuestion): Promise<ChangeCounts> {
  const { clock, settings, store } = recovery
  const { environment, point } = question
  if (!point.hasListing) throw new NotCounted('What is in the point is not kept beside it.')
  assertNobodyReads(recovery, environment.id)
  const ended = new AbortController()
  const listening = store.db.onCommitted((change) => {
    const isTouched = change.some(({ kind }) => kind === 'operation') && isBusy(recovery, environment.id)
    if (isTouched) ended.abort(new NotCounted('An operation on the environment began meanwhile.'))
  })
  const deadlineMs = settings.countingMs
  const onDeadline = () => new NotCounted(`It would have taken longer than ${Math.round(deadlineMs / 1000)} s.`)
  const signal = AbortSignal.any([question.signal, ended.signal])
  try {
    const bounds = { clock, signal, deadlineMs, onDeadline, graceMs: LET_GO_MS }
    return await withDeadline((bounded) => countInTurn(recovery, question, bounded), bounds)
  } finally {
    listening.dispose()
  }
}

function assertNobodyReads(recovery: RecoveryToolkit, id: EnvironmentId): void {
  if (isBusy(recovery, id)) throw new NotCounted('Another operation, such as a backup, is reading the home now.')
}

function isBusy({ store }: RecoveryToolkit, environmentId: EnvironmentId): boolean {
  return store.operations.list({ environmentId, isRunning: true, limit: 1 }).length > 0
}

/** A count that is left behind keeps its turn until its view is closed: whoever comes next waits for that. */
async function countInTurn(
  recovery: RecoveryToolkit,
  question: LossQuestion,
  signal: AbortSignal,
): Promise<ChangeCounts> {
  const turn = await recovery.readers.take(question.environment.id, { isAlone: true, signal })
  try {
    return await countInView(recovery, question, signal)
  } finally {
    turn.dispose()
  }
}

/** Leaves no view and no mount, whatever comes of it. */
async function countInView(
  recovery: RecoveryToolkit,
  { environment, point }: LossQuestion,
  signal: AbortSignal,
): Promise<ChangeCounts> {
  const { drivers, folders, logger } = recovery
  const driver = drivers.of(environment)
  // A plan touches nothing, and holds no claim that would keep a guest from starting meanwhile.
  const options = { scratchDirectory: folders.scratch, signal, isUntouched: true }
  const view = await driver.openHomeView(recordToReadBy(recovery, environment), options)
  try {
    const tree = await driver.openViewTree(view, { folder: join(folders.rooms, environment.id), signal })
    try {
      return await countChanges(new Listings(folders.listings).read(point.id), walkTree(tree.path), signal)
    } finally {
      await tree.close()
    }
  } finally {
    await view.close().catch((error: unknown) => {
      logger.error({ err: error, environmentId: environment.id }, 'A view of a home could not be closed')
    })
  }
}

/** Null where there is nothing to compare, or not in time. */
async function sinceLatest(recovery: RecoveryToolkit, question: LossQuestion): Promise<ChangeCounts | null> {
  const { environment, point, signal } = question
  const { clock, folders, settings } = recovery
  const bounds = { clock, signal, deadlineMs: settings.countingMs, onDeadline: () => new NotCounted('No time.') }
  try {
    const latest = resolveAnyPoint(recovery, environment, 'latest' as RecoveryPointRef)
    if (latest.id === point.id || !latest.hasListing || !point.hasListing) return null
    const listings = new Listings(folders.listings)
    const count = (bounded: AbortSignal) => countChanges(listings.read(point.id), listings.read(latest.id), bounded)
    return await withDeadline(count, bounds)
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof NotCounted || error instanceof PilothouseError)) {
      recovery.logger.warn({ err: error, environmentId: environment.id }, 'Two points could not be compared')
    }
    return null
  }
}
