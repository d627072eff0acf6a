import { PilothouseError, type ErrorCode } from '../../src-shared/error.ts'
import type { AdoptedPoints } from '../../src-shared/model/adopted-points.ts'
import type { EnvironmentId, RecoveryPointId } from '../../src-shared/model/ids.ts'
import { recoveryPointSchema } from '../../src-shared/model/recovery-point.ts'
import type { Requester } from '../operations/requester.ts'
import type { NewPoint, StoredPoint } from '../store/points-table.ts'
import { listPointsAt, type PointAt } from '../store/points-upkeep.ts'
import { judge } from './adoptable-point.ts'
import type { PointRepository, PointSize, RepositoryPoint } from './point-repository.ts'
import { roomForMiB } from './point-room.ts'
import type { SaidOfPoint } from './point-tags.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { noteDamage } from './repository-damage.ts'
import { useRepository } from './repository-work.ts'
import { tagSchema } from './restic/tags.ts'

export interface Adoption {
  readonly environmentId: EnvironmentId
  readonly signal: AbortSignal
}

/** No point is begun after so long; the call's own deadline is later. */
export const TAKING_MS = 240_000
/** How many of those that are passed over are told one by one. */
const MOST_TOLD = 100
/** Pilothouse gives a point fewer; others may have added to them. */
const MOST_TAGS = 32
/** Of one point alone: the others are taken. An engine has many words for a tree that it cannot walk. */
const OF_ONE_POINT: readonly ErrorCode[] = ['no_recovery_point', 'repository_damaged', 'engine_failed']

/**
 * Takes the points of an environment on record from its repository below the base, newest first, whether or not this host
 * knows the environment. The repository is never made, and nothing in it is changed. Each point is recorded by itself:
 * what was taken stays taken where the call is cut off, and a later one goes on. Nothing that is on record of a point is
 * replaced, but where it is, and whether it is there.
 */
export async function adoptPoints(
  recovery: RecoveryToolkit,
  caller: Requester,
  { environmentId, signal }: Adoption,
): Promise<AdoptedPoints> {
  const repository = recovery.repositories.of(environmentId)
  const work = new Taking(recovery, { caller, environmentId, repository, signal })
  work.record('backup.adopt', 'requested', { repository: repository.location })
  try {
    const use = { environmentId, repository, isAlone: false, isAfterCrash: false, call: { signal } }
    const result = await useRepository(recovery, use, () => work.takeAll())
    const { taken, known, gone, left, passedOverCount } = result
    work.record('backup.adopt', 'succeeded', { taken, known, gone, left, passedOver: passedOverCount })
    return result
  } catch (error) {
    const { code, message } = whyOf(error, signal)
    work.record('backup.adopt', 'failed', { code, message, taken: work.takenCount })
    throw error
  }
}

function whyOf(error: unknown, signal: AbortSignal): Pick<PilothouseError, 'code' | 'message'> {
  const cause: unknown = signal.aborted ? signal.reason : error
  if (cause instanceof PilothouseError) return cause
  if (signal.aborted) return { code: 'cancelled', message: 'Whoever asked gave it up, or was cut off.' }
  return { code: 'internal', message: 'Something unforeseen went wrong; the log has it.' }
}

interface TakingFrom extends Adoption {
  readonly caller: Requester
  readonly repository: PointRepository
}

interface Wanted {
  readonly point: RepositoryPoint
  readonly said: SaidOfPoint
}

class Taking {
  private readonly recovery: RecoveryToolkit
  private readonly from: TakingFrom
  private readonly taken = new Set<RecoveryPointId>()
  private passedOver: AdoptedPoints['passedOver'] = []
  private known = 0
  private gone = 0
  /** What the engine said of each that it could not walk. */
  private unwalked: PilothouseError[] = []

  constructor(recovery: RecoveryToolkit, from: TakingFrom) {
    this.recovery = recovery
    this.from = from
  }

  get takenCount(): number {
    return this.taken.size
  }

  /** May be called again where the repository was locked: what was taken, and what was gone, still counts. */
  async takeAll(): Promise<AdoptedPoints> {
    const { clock } = this.recovery
    const { environmentId, signal, repository } = this.from
    this.passedOver = []
    this.unwalked = []
    this.known = 0
    const until = clock.monotonicMs() + TAKING_MS
    const before = this.onRecord()
    const listed = await repository.list({ signal, environmentId })
    this.sayGone(before, listed)
    const wanted = this.sortOut(listed)
    let left = wanted.length
    for (const one of wanted) {
      if (clock.monotonicMs() > until) break
      await this.take(one)
      left -= 1
    }
    this.assertWalked(wanted.length - left)
    const told = this.passedOver.toSorted((one, other) => other.takenAt - one.takenAt)
    const { takenCount: taken, known, gone } = this
    const counts = { taken, known, gone, left, passedOverCount: told.length }
    return { environmentId, repository: repository.location, ...counts, passedOver: told.slice(0, MOST_TOLD) }
  }

  /** In the record of the environment, whether or not it is known here. */
  record(action: string, outcome: string, detail: Readonly<Record<string, unknown>>): void {
    const { store } = this.recovery
    store.db.transaction(() => this.append(action, outcome, detail))
  }

  /** What is said to be there. */
  private onRecord(): PointAt[] {
    const { environmentId, repository } = this.from
    return listPointsAt(this.recovery.store.db, { environmentId, repository: repository.location })
  }

  /** Of what was on record before the look, what the look has not found. */
  private sayGone(before: readonly PointAt[], listed: readonly RepositoryPoint[]): void {
    const { store, clock } = this.recovery
    const { environmentId } = this.from
    const there = new Set(listed.map(({ id }) => id))
    const gone = before.filter(({ id }) => !there.has(id))
    store.db.transaction(() => {
      for (const { id, takenAt } of gone) {
        store.points.setForgotten({ id, environmentId }, clock.now())
        this.append('point.forgotten', 'noticed', { pointId: id, takenAt })
      }
    })
    this.gone += gone.length
  }

  /** What is new, newest first. */
  private sortOut(listed: readonly RepositoryPoint[]): Wanted[] {
    const { environmentId, repository } = this.from
    const wanted: Wanted[] = []
    const found: StoredPoint[] = []
    for (const point of listed.toSorted((one, other) => other.takenAt - one.takenAt)) {
      const judged = judge(this.recovery.store, { point, environmentId, repository: repository.location })
      if (judged.kind === 'known') this.known += this.taken.has(point.id) ? 0 : 1
      else if (judged.kind === 'passed_over') this.passOver(point, judged.why)
      else if (judged.kind === 'new') wanted.push({ point, said: judged.said })
      else found.push(judged.recorded)
    }
    this.putBack(found)
    return wanted
  }

  private async take({ point, said }: Wanted): Promise<void> {
    const { repository, signal } = this.from
    try {
      const size = await repository.sizeOf({ signal, point: point.id })
      signal.throwIfAborted()
      await this.put(this.rowOf({ point, said }, size))
    } catch (error) {
      if (!(error instanceof PilothouseError) || !OF_ONE_POINT.includes(error.code)) throw error
      if (error.code === 'engine_failed') await this.noteUnwalked(error)
      this.tellDamage(error)
      this.passOver(point, error.message)
    }
  }

  /** Throws where the engine lists no points any more either: it is not the point's fault then. */
  private async noteUnwalked(error: PilothouseError): Promise<void> {
    const { repository, signal, environmentId } = this.from
    await repository.list({ signal, environmentId })
    this.unwalked.push(error)
  }

  /** Where nothing is on record, and none of several could be walked, the engine has failed, and not each of them. */
  private assertWalked(triedCount: number): void {
    const last = this.unwalked.at(-1)
    if (last === undefined || triedCount < 2 || this.unwalked.length < triedCount) return
    if (this.known + this.takenCount === 0) throw last
  }

  /** The call goes on, and may go well: the environment's record is told all the same, where there is one. */
  private tellDamage(error: PilothouseError): void {
    const { store, clock } = this.recovery
    const { environmentId: id } = this.from
    store.db.transaction(() => {
      if (store.environments.find(id) !== undefined) noteDamage(store, { id, error, at: clock.now() })
    })
  }

  private async put(row: NewPoint): Promise<void> {
    const { store } = this.recovery
    const unproved = { verifiedAt: null, drilledAt: null, hasPassedDrill: null, forgottenAt: null }
    if (!recoveryPointSchema.safeParse({ ...row, ...unproved }).success) {
      this.passOver(row, 'What the repository says of it is malformed.')
      return
    }
    const { id, takenAt, hostName } = row
    const isTaken = await store.db.together(() => {
      // Whoever was told meanwhile that it is there has judged it by the same rules.
      if (store.points.isOnRecord(id)) return false
      store.points.insert(row)
      this.append('point.adopted', 'succeeded', { pointId: id, takenAt, hostName })
      return true
    })
    if (isTaken) this.taken.add(id)
    else this.known += 1
  }

  /** All in one transaction: after a disk was away that may be every point there is. */
  private putBack(found: readonly StoredPoint[]): void {
    const { store } = this.recovery
    const { location } = this.from.repository
    store.db.transaction(() => {
      for (const { id, environmentId, takenAt, hostName, repository: before } of found) {
        store.points.setFound({ id, environmentId }, location)
        const detail = { pointId: id, takenAt, hostName, ...(before === location ? {} : { before }) }
        this.append('point.adopted', 'succeeded', detail)
      }
    })
    for (const { id } of found) this.taken.add(id)
  }

  private rowOf({ point, said }: Wanted, size: PointSize): NewPoint {
    const { environmentId, repository } = this.from
    return {
      ...said,
      ...size,
      id: point.id,
      environmentId,
      repository: repository.location,
      path: point.path,
      homeMiB: said.homeMiB ?? roomForMiB(size),
      takenAt: point.takenAt,
      addedBytes: null,
      durationMs: null,
      unreadableCount: null,
      tags: point.tags.filter((tag) => tagSchema.safeParse(tag).success).slice(0, MOST_TAGS),
      hasListing: false,
      recordedAt: this.recovery.clock.now(),
    }
  }

  private passOver({ id: pointId, takenAt }: Pick<RepositoryPoint, 'id' | 'takenAt'>, why: string): void {
    this.passedOver.push({ pointId, takenAt, why })
  }

  private append(action: string, outcome: string, detail: Readonly<Record<string, unknown>>): void {
    const { store, clock } = this.recovery
    const { actor, requestId } = this.from.caller
    const { environmentId } = this.from
    const about = { actor, requestId, operationId: null, environmentId, at: clock.now() }
    store.activity.append({ ...about, action, outcome, detail })
  }
}
