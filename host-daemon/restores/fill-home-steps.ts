import { join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { HomeId, OperationId, RequestId } from '../../src-shared/model/ids.ts'
import type { PointRepository, PointSize, RepositoryCall, RepositoryPoint } from '../backups/point-repository.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { countTree } from '../backups/restic/count-tree.ts'
import type { HomeTree, VmDriver } from '../drivers/vm-driver.ts'
import { freeBytesOf } from '../environments/home-room.ts'
import type { Step, StepContext } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { StoredPoint } from '../store/points-table.ts'
import { withDeadline } from '../system/deadline.ts'
import { removeTree } from '../system/folders.ts'
import { withPointRepository } from './point-contact.ts'
import { untilLetGo } from './until-let-go.ts'

const CHECK_POINT_MS = 120_000
/** What a restore takes at the very most: this, and so much for its bytes and entries. */
const LEAST_RESTORE_MS = 10 * 60_000
const BYTES_PER_MS = 1024
const ENTRIES_PER_MS = 1
/** The file system's own needs beside what is in it. */
const OVERHEAD = 1.05
const MIB = 1024 * 1024
/** With less, a disk is full: the file system of a home writes more than this at a time. */
const FULL_BYTES = 4 * MIB

/** Which new home is filled with what. */
export interface HomeFill {
  readonly driver: VmDriver
  readonly homeId: HomeId
  readonly sizeMiB: number
  readonly point: StoredPoint
}

/** Pure but for the record: it is asked at each step, also after a crash. */
export type FillOf = (operation: StoredOperation) => HomeFill

/** The point of an operation's params, as recorded. Throws `no_recovery_point` where the record has forgotten it. */
export function pointOf({ store }: RecoveryToolkit, { params }: StoredOperation): StoredPoint {
  const point = store.points.find(params.pointId as StoredPoint['id'])
  if (point !== undefined) return point
  throw new PilothouseError('no_recovery_point', `The recovery point ${String(params.pointId)} is not on record.`)
}

/** Asks the repository whether the point is there, and is what the record says. Nothing is touched. */
export function checkPoint(recovery: RecoveryToolkit, of: (operation: StoredOperation) => StoredPoint): Step {
  return {
    name: 'check_point',
    phase: null,
    deadlineMs: CHECK_POINT_MS,
    isCancellable: true,
    run: (context) => assertPoint(recovery, of(context.operation), context),
  }
}

/** Throws `no_recovery_point` or `point_foreign`; a point that is positively gone is recorded as forgotten. */
export async function assertPoint(recovery: RecoveryToolkit, point: StoredPoint, context: StepContext): Promise<void> {
  const { environmentId } = point
  const ask = (repository: PointRepository, call: RepositoryCall) => repository.list({ ...call, environmentId })
  const listed = await withPointRepository(recovery, { point, context }, ask)
  const { id: operationId, requestId } = context.operation
  assertListed(recovery, point, { listed, operationId, requestId })
}

interface Listed {
  readonly listed: readonly RepositoryPoint[]
  /** For whom it was asked; null where nobody is known. */
  readonly operationId: OperationId | null
  readonly requestId: RequestId | null
}

/** Holds the point against what the repository lists of its environment; throws as `assertPoint` does. */
export function assertListed(recovery: RecoveryToolkit, point: StoredPoint, asked: Listed): void {
  const found = asked.listed.find((candidate) => candidate.id === point.id)
  if (found === undefined) throw forgotten(recovery, point, asked)
  if (found.environment === point.environmentId && found.path === point.path) return
  const message = `The repository says of ${point.id} that it is of another home than the record says; nothing was restored.`
  throw new PilothouseError('point_foreign', message)
}

function forgotten(
  { store, clock }: RecoveryToolkit,
  point: StoredPoint,
  { operationId, requestId }: Omit<Listed, 'listed'>,
): PilothouseError {
  const at = clock.now()
  store.db.transaction(() => {
    store.points.setForgotten(point, at)
    const about = { action: 'point.forgotten', outcome: 'noticed', detail: { pointId: point.id } }
    store.activity.append({ ...about, at, actor: null, requestId, operationId, environmentId: point.environmentId })
  })
  const message = `The recovery point ${point.id} is no longer in the repository; nothing was touched.`
  return new PilothouseError('no_recovery_point', message)
}

/**
 * Throws `host_limit_reached` where the host's disk cannot take what is in the point, `storage_failed` where nobody can
 * tell.
 */
export async function assertDiskTakesPoint(
  { clock }: RecoveryToolkit,
  { driver, point }: Pick<HomeFill, 'driver' | 'point'>,
): Promise<void> {
  const [needed, free] = [Math.ceil(point.bytes * OVERHEAD), await freeBytesOf(driver, clock)]
  if (needed <= free) return
  const message = `The point needs ${mib(needed)} MiB of disk; this host has ${mib(free)} MiB left for homes.`
  throw new PilothouseError('host_limit_reached', message, { details: { neededBytes: needed, freeBytes: free } })
}

const mib = (bytes: number): number => Math.ceil(bytes / MIB)

/** Restores the point into the new home, which is made anew where this is not the first time. */
export function fillHome(recovery: RecoveryToolkit, of: FillOf): Step {
  return untilLetGo({
    name: 'restore',
    phase: null,
    // Bounded by the point's size, and by the repository where nothing moves.
    deadlineMs: null,
    isCancellable: true,
    run: (context) => fillFromPoint(recovery, of(context.operation), { context }),
  })
}

interface Filling {
  readonly context: StepContext
  /** Of the point; everything where it is not given. */
  readonly paths?: readonly string[]
  /** Of those paths; of the whole point where it is not given. */
  readonly size?: PointSize
}

export async function fillFromPoint(recovery: RecoveryToolkit, fill: HomeFill, filling: Filling): Promise<void> {
  const { context } = filling
  assertFits(fill, filling.size ?? fill.point)
  let isUsed = context.operation.resumptions > 0 || context.attempt > 1
  const work = (signal: AbortSignal) =>
    withPointRepository(recovery, { point: fill.point, context: { ...context, signal } }, async (repository, call) => {
      if (isUsed) await makeAnew(fill, call.signal)
      isUsed = true
      await fillOnce(recovery, fill, { ...filling, repository, call })
    })
  await withinSize(recovery, { point: fill.point, signal: context.signal }, work)
}

/** A guest's file may say that it is larger than its whole home; restored, it has no holes any more. */
function assertFits({ sizeMiB }: HomeFill, { bytes }: PointSize): void {
  if (bytes < sizeMiB * MIB) return
  const message = `What is to be restored holds ${mib(bytes)} MiB; a home of ${sizeMiB} MiB cannot take it.`
  const hint = 'Files with holes are restored without them: restore other files alone, or use a larger home.'
  throw new PilothouseError('host_limit_reached', message, { hint, details: { bytes, homeBytes: sizeMiB * MIB } })
}

/** Bounds what goes over all of a point by what is in it. */
export async function withinSize<T>(
  { clock }: RecoveryToolkit,
  { point, signal }: { readonly point: StoredPoint; readonly signal: AbortSignal },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadlineMs = longestMs(point)
  const message = `Going over the point took longer than ${Math.round(deadlineMs / 1000)} s.`
  const onDeadline = () => new PilothouseError('deadline_exceeded', message)
  return await withDeadline(work, { clock, deadlineMs, signal, onDeadline, graceMs: LEAST_RESTORE_MS })
}

const longestMs = ({ bytes, entries }: StoredPoint): number =>
  Math.ceil(LEAST_RESTORE_MS + bytes / BYTES_PER_MS + entries / ENTRIES_PER_MS)

/** restic overwrites and never deletes: whatever an attempt before left must not be there. */
async function makeAnew({ driver, homeId, sizeMiB }: HomeFill, signal: AbortSignal): Promise<void> {
  await driver.destroyHome(homeId)
  await driver.createHome(homeId, sizeMiB, signal)
}

async function fillOnce(
  { folders, clock }: RecoveryToolkit,
  { driver, homeId, point }: HomeFill,
  filling: Filling & { readonly repository: PointRepository; readonly call: RepositoryCall },
): Promise<void> {
  const { repository, call, context, paths } = filling
  const size = filling.size ?? { bytes: point.bytes, entries: point.entries }
  const options = {
    ...call,
    point: point.id,
    size,
    onProgress: context.report,
    ...(paths === undefined ? {} : { paths }),
  }
  const into = { folder: folders.rooms, signal: call.signal }
  const filled = driver.fillHome(homeId, into, async (tree) => {
    await removeLostAndFound(tree)
    await repository.fill(tree, options)
  })
  await filled.catch(async (error: unknown) => {
    call.signal.throwIfAborted()
    throw (await fullDisk({ driver, clock }, error)) ?? error
  })
}

/** A disk that fills up under a home is an input or output error to whatever writes to it. */
async function fullDisk(
  { driver, clock }: { readonly driver: VmDriver; readonly clock: Clock },
  cause: unknown,
): Promise<PilothouseError | undefined> {
  const isTold = cause instanceof PilothouseError && cause.code !== 'engine_failed'
  const freeBytes = isTold ? undefined : await freeBytesOf(driver, clock).catch(() => undefined)
  if (freeBytes === undefined || freeBytes >= FULL_BYTES) return undefined
  const message = 'The disk that homes are on is full; the point could not be restored into a new home.'
  const hint = 'Free space on the host, then plan and run it again; nothing was changed.'
  return new PilothouseError('storage_failed', message, { hint, details: { freeBytes }, cause })
}

/** Every new file system has one; the point brings its own where the home had it, and nothing else may be there. */
async function removeLostAndFound({ path }: HomeTree): Promise<void> {
  await removeTree(join(path, 'lost+found'))
}

export interface VerifyOptions {
  readonly signal: AbortSignal
  /** Entries of the point that have been taken out of the home since. */
  readonly removedEntries?: number
  /** Reads on while the tree is open. */
  readonly look?: (tree: HomeTree) => Promise<void>
}

/**
 * Checks the file system of the filled home, and that all of the point is in it; says what was verified, a sentence
 * each. Throws `engine_failed` where something is missing, `disk_failed` where the file system is not sound.
 */
export async function verifyFilled(
  { folders }: RecoveryToolkit,
  { driver, homeId, point }: HomeFill,
  { signal, removedEntries = 0, look }: VerifyOptions,
): Promise<string[]> {
  const expected = point.entries - removedEntries
  const arrived = await driver.verifyHome(homeId, { folder: folders.rooms, signal }, async (tree) => {
    const counted = await countTree(tree.path, signal)
    await look?.(tree)
    return counted
  })
  const isAllThere = arrived.entries === expected && (removedEntries > 0 || arrived.bytes === point.bytes)
  if (!isAllThere) throw incomplete(point, { expected, arrived })
  return verifiedOf({ entries: expected, bytes: arrived.bytes })
}

/** What was verified of a home that `verifyFilled` found good, a sentence each. */
export function verifiedOf({ entries, bytes }: Pick<StoredPoint, 'entries' | 'bytes'>): string[] {
  return [
    'The file system of the new home was checked whole and is sound.',
    `All ${entries} files and folders are there, with ${bytes} bytes.`,
  ]
}

/** A restore that did not bring what the point holds. */
export class IncompleteRestore extends PilothouseError {}

function incomplete(
  { id, bytes }: StoredPoint,
  { expected, arrived }: { readonly expected: number; readonly arrived: { entries: number; bytes: number } },
): IncompleteRestore {
  const message =
    `Of ${expected} files and folders with ${bytes} bytes in the point ${id}, ` +
    `${arrived.entries} with ${arrived.bytes} bytes arrived.`
  const hint = 'Check the repository with all data read; use another point meanwhile.'
  return new IncompleteRestore('engine_failed', message, { hint, retryable: false })
}
