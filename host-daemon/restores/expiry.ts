import { PilothouseError } from '../../src-shared/error.ts'
import type { CommandId, EnvironmentId, HomeId, RequestId } from '../../src-shared/model/ids.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { refuseQuarantined } from '../environments/quarantine.ts'
import { resolveEnvironment } from '../environments/views.ts'
import type { OperationEngine } from '../operations/engine.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import { ClockLeaps } from '../system/clock-leaps.ts'
import { repeat } from '../system/repeat.ts'

/** A home that could not be removed is tried again after this, and then half as often each time, up to the latter. */
const FIRST_RETRY_MS = 60_000
const MOST_RETRY_MS = 6 * 60 * 60_000

interface Tried {
  readonly times: number
  /** In real time: whoever sets the host's clock changes nothing about when it is tried again. */
  readonly at: number
}

/**
 * Removes homes that were kept for undo once their deadline has passed, and those that a newer one has taken the place
 * of and that could not be removed then, by an operation for each. Where another operation is in flight it waits for a
 * later look; and where its deadline may have passed only by the host's clock being set forward, until that has had the
 * time to be set right. Homes that are kept for review are none of its business.
 */
export class UndoExpiry {
  private readonly recovery: RecoveryToolkit
  private readonly engine: OperationEngine
  private readonly ending = new AbortController()
  private readonly tried = new Map<HomeId, Tried>()
  private readonly leaps: ClockLeaps
  /** Told of in activity. */
  private heldBack: ReadonlySet<HomeId> = new Set()
  private loop: Promise<void> = Promise.resolve()

  constructor(recovery: RecoveryToolkit, engine: OperationEngine) {
    this.recovery = recovery
    this.engine = engine
    this.leaps = new ClockLeaps(recovery.clock)
  }

  /** Only once interrupted operations have been taken up. */
  start(): void {
    const { clock, logger, settings } = this.recovery
    const options = { clock, logger, intervalMs: settings.tickMs, signal: this.ending.signal, name: 'undo expiry' }
    this.loop = repeat(() => this.look(), options)
  }

  /** Resolves when nothing is asked for any more; what was accepted goes on by itself. */
  async stop(): Promise<void> {
    this.ending.abort(new Error('The daemon is ending.'))
    await this.loop
  }

  /** Looks once at everything that is to be removed one day. */
  async look(): Promise<void> {
    this.leaps.look()
    const passed = this.recovery.store.keptHomes.allToRemove().filter((kept) => this.isDue(kept))
    this.tellHeldBack(passed.filter((kept) => this.doubtMs(kept) > 0))
    const due = passed.filter((kept) => this.doubtMs(kept) === 0)
    for (const kept of due) {
      if (this.ending.signal.aborted) break
      if (kept.purpose === 'removal' || kept.isProved) await this.drop(kept)
      else this.keepForReview(kept)
    }
    for (const homeId of this.tried.keys()) if (!due.some((kept) => kept.homeId === homeId)) this.forget(homeId)
  }

  /** Tried homes that are still kept stay known, so that they are tried less and less often. */
  private forget(homeId: HomeId): void {
    const isKept = this.recovery.store.keptHomes.allToRemove().some((kept) => kept.homeId === homeId)
    if (!isKept) this.tried.delete(homeId)
  }

  private isDue(kept: KeptHome): boolean {
    const { clock } = this.recovery
    if (!isOver(kept, clock.now())) return false
    const tried = this.tried.get(kept.homeId)
    if (tried === undefined) return true
    const waitMs = Math.min(MOST_RETRY_MS, FIRST_RETRY_MS * 2 ** (tried.times - 1))
    return clock.monotonicMs() - tried.at >= waitMs
  }

  /**
   * What took its place has never said that it proved itself, and nobody is at work that may still say so. Since the look
   * began it may have been brought back or given up.
   */
  private keepForReview({ homeId, environmentId, operationId }: KeptHome): void {
    const { store, clock, logger } = this.recovery
    const kept = store.keptHomes.find(homeId)
    if (kept?.purpose !== 'undo' || kept.isProved || !isOver(kept, clock.now())) return
    if (store.claims.holderOf(environmentId) !== undefined) return
    const about = {
      action: 'undo',
      outcome: 'kept_for_review',
      actor: null,
      requestId: null,
      operationId,
      environmentId,
    }
    store.db.transaction(() => {
      store.keptHomes.keep({ ...kept, purpose: 'review', until: null })
      store.activity.append({ ...about, at: clock.now(), detail: { homeId } })
    })
    logger.warn({ homeId, environmentId, operationId }, 'What replaced a kept home never proved itself: it is kept on')
  }

  private doubtMs({ until, purpose }: KeptHome): number {
    return until === null || purpose === 'removal' ? 0 : this.leaps.doubtMs(until)
  }

  /** Of each once, for as long as it is held back. */
  private tellHeldBack(held: readonly KeptHome[]): void {
    const { store, clock } = this.recovery
    const news = held.filter(({ homeId }) => !this.heldBack.has(homeId))
    const said = { action: 'undo.held_back', outcome: 'noticed', actor: null, requestId: null, operationId: null }
    const tell = (kept: KeptHome): void => {
      const { homeId, environmentId, until } = kept
      const detail = { homeId, until, forMs: Math.ceil(this.doubtMs(kept)) }
      store.activity.append({ ...said, at: clock.now(), environmentId, detail })
    }
    if (news.length > 0) store.db.transaction(() => news.forEach(tell))
    this.heldBack = new Set(held.map(({ homeId }) => homeId))
  }

  private async drop({ homeId, environmentId }: KeptHome): Promise<void> {
    const { logger } = this.recovery
    try {
      await this.accept(homeId, environmentId)
      this.noteTried(homeId)
    } catch (error) {
      const isLater = error instanceof PilothouseError && error.code === 'operation_in_flight'
      if (isLater || this.ending.signal.aborted) return
      logger.warn({ err: error, homeId, environmentId }, 'A home that is kept no longer could not be removed')
      this.noteTried(homeId)
    }
  }

  private noteTried(homeId: HomeId): void {
    const times = (this.tried.get(homeId)?.times ?? 0) + 1
    this.tried.set(homeId, { times, at: this.recovery.clock.monotonicMs() })
  }

  private async accept(homeId: HomeId, environmentId: EnvironmentId): Promise<void> {
    const { store, random, uid } = this.recovery
    const actor = { user: 'pilothoused', uid, role: 'admin', claimedActor: null } as const
    await this.engine.accept({
      kind: 'drop_undo',
      caller: { actor, requestId: `req-${random.hex(8)}` as RequestId },
      commandId: `cmd-${random.hex(16)}` as CommandId,
      input: { homeId },
      target: () => {
        const environment = resolveEnvironment(store, environmentId)
        refuseQuarantined(environment)
        return environment
      },
      params: () => ({ homeId }),
      admit: () => this.assertDue(homeId, environmentId),
    })
  }

  /** Inside the transaction that claims: by then the home may have been brought back, or be kept longer. */
  private assertDue(homeId: HomeId, environmentId: EnvironmentId): void {
    const { store, clock } = this.recovery
    const kept = store.keptHomes.find(homeId)
    if (kept?.environmentId === environmentId && isOver(kept, clock.now())) return
    throw new PilothouseError('operation_in_flight', 'The home is not due for removal any more.')
  }
}

/** Whether it is of no use any more, by the host's clock. */
function isOver({ purpose, until }: KeptHome, now: number): boolean {
  return purpose === 'removal' || (purpose === 'undo' && until !== null && until <= now)
}
