import type { BootId } from '../../src-shared/model/ids.ts'
import { Turns } from '../operations/turns.ts'
import type { Boot } from '../store/boots-table.ts'
import { withDeadline } from '../system/deadline.ts'
import { repeat } from '../system/repeat.ts'
import type { Toolkit } from './toolkit.ts'

export interface AdoptionOptions {
  /** Where views of homes are kept; see `HomeViewOptions`. */
  readonly scratchDirectory: string
  /** Until what failed is tried again. */
  readonly intervalMs: number
  /** Guests at the same time. */
  readonly concurrency: number
}

/** Guests that do not answer hold the start of the daemon up no longer than this, in milliseconds. */
const FIRST_PASS_MS = 10_000
/** For one guest; the driver's own bounds are shorter. */
const DROP_MS = 120_000

/**
 * Frees the guests that this daemon finds from what a dead one left in them: a freeze, a view of their home. A guest of
 * which that cannot be had is said in the log and tried again, as long as its boot lives; it is never fatal. Later tries
 * leave alone whatever an operation is at work on: it may have a view of its own, and has dropped the old one for it.
 */
export class Adoption {
  private readonly toolkit: Toolkit
  private readonly options: AdoptionOptions
  private readonly turns: Turns
  private readonly ending = new AbortController()
  /** Guests that are not freed yet. */
  private readonly left = new Map<BootId, Boot>()
  private readonly failed = new Set<BootId>()
  private hasOperations = false
  private loop: Promise<void> = Promise.resolve()

  constructor(toolkit: Toolkit, options: AdoptionOptions) {
    this.toolkit = toolkit
    this.options = options
    this.turns = new Turns(options.concurrency)
  }

  /** Resolves when every guest was tried once, or after a bounded time. Call it before anything else uses them. */
  async start(): Promise<void> {
    for (const boot of this.toolkit.store.boots.live()) this.left.set(boot.id, boot)
    if (this.left.size > 0) await this.tryOnceThenAgain()
    this.hasOperations = true
  }

  async stop(): Promise<void> {
    this.ending.abort(new Error('The daemon is ending.'))
    await this.loop
  }

  private async tryOnceThenAgain(): Promise<void> {
    const { clock, logger } = this.toolkit
    const { intervalMs } = this.options
    const tried = Promise.withResolvers<undefined>()
    const work = (): Promise<void> => this.pass().finally(() => tried.resolve(undefined))
    this.loop = repeat(work, { clock, logger, intervalMs, signal: this.ending.signal, name: 'adoption' })
    const isTried = new AbortController()
    await Promise.race([tried.promise, clock.sleep(FIRST_PASS_MS, isTried.signal).catch(() => undefined)])
    isTried.abort()
  }

  private async pass(): Promise<void> {
    await Promise.all([...this.left.values()].map((boot) => this.inTurn(boot)))
    if (this.left.size === 0) this.ending.abort(new Error('Every guest is free.'))
  }

  private async inTurn(boot: Boot): Promise<void> {
    const turn = await this.turns.take(this.ending.signal).catch(() => undefined)
    if (turn === undefined) return
    try {
      await this.free(boot)
    } finally {
      turn.dispose()
    }
  }

  /** Never rejects. */
  private async free(boot: Boot): Promise<void> {
    const { logger } = this.toolkit
    const facts = { environmentId: boot.environmentId, bootId: boot.id }
    try {
      const isDone = this.isNobodys(boot) || (!this.isInUse(boot) && (await this.drop(boot)))
      if (!isDone) return
      this.left.delete(boot.id)
      if (this.failed.delete(boot.id)) logger.info(facts, 'What an earlier daemon left in a guest is gone now')
    } catch (error) {
      if (this.ending.signal.aborted || this.failed.has(boot.id)) return
      this.failed.add(boot.id)
      logger.warn({ ...facts, err: error }, 'What an earlier daemon may have left in a guest could not be dropped yet')
    }
  }

  /** Its guest has ended, and took everything along, or its record is malformed, and may name somebody else's. */
  private isNobodys({ id, environmentId }: Boot): boolean {
    const environment = this.toolkit.store.environments.find(environmentId)
    return environment?.quarantine !== null || this.toolkit.store.boots.find(id)?.endedAt !== null
  }

  private isInUse({ environmentId }: Boot): boolean {
    if (!this.hasOperations) return false
    return this.toolkit.store.operations.list({ environmentId, isRunning: true, limit: 1 }).length > 0
  }

  private async drop({ environmentId, record }: Boot): Promise<boolean> {
    const { store, drivers, clock } = this.toolkit
    const environment = store.environments.find(environmentId)
    if (environment === undefined) return true
    const { scratchDirectory } = this.options
    const drop = (signal: AbortSignal): Promise<void> =>
      drivers.of(environment).dropHomeViews(record, { scratchDirectory, signal })
    const onDeadline = (): Error => new Error('It took too long.')
    await withDeadline(drop, { clock, deadlineMs: DROP_MS, signal: this.ending.signal, onDeadline })
    return true
  }
}
