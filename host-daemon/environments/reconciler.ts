import type { Clock } from '../../src-shared/lib/clock.ts'
import { keepOnly } from '../../src-shared/lib/keep-only.ts'
import type { ObservedState } from '../../src-shared/model/environment.ts'
import type { BootId, EnvironmentId } from '../../src-shared/model/ids.ts'
import type { GuestEvidence } from '../drivers/vm-driver.ts'
import { Turns } from '../operations/turns.ts'
import type { Boot } from '../store/boots-table.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { Store } from '../store/store.ts'
import { repeat } from '../system/repeat.ts'
import { isReady, recordReadiness } from './readiness.ts'
import { StaleStates } from './stale-states.ts'
import type { Toolkit } from './toolkit.ts'
import type { EnvironmentViews, Look } from './views.ts'

export interface ReconcilerOptions {
  readonly intervalMs: number
  /** Guests asked at the same time. */
  readonly concurrency: number
  /** Without an answer for so long, a guest's state is `unknown`. */
  readonly staleAfterMs: number
  /** Told after every look at all of them. */
  readonly onPassed: () => void
}

/** The first look at all guests holds the start of the daemon up no longer than this, in milliseconds. */
const FIRST_LOOK_MS = 10_000

interface Observation {
  readonly boot: Boot
  readonly evidence: GuestEvidence
  /** When the question was asked. */
  readonly look: Look
}

type AliveEvidence = GuestEvidence & { readonly kind: 'alive' }

interface Alive extends Observation {
  readonly evidence: AliveEvidence
}

interface Written {
  readonly observed: ObservedState
  readonly evidence: AliveEvidence
  readonly at: number
}

interface Gone {
  readonly boot: Boot
  readonly detail: string
  readonly at: number
}

/** Automatic recovery has done its work: the next failure is another one. */
function isWellAgain({ autoRecoveredAt }: StoredEnvironment, agent: AliveEvidence['agent']): boolean {
  return agent === 'answering' && autoRecoveredAt !== null
}

/**
 * Looks at every guest that may exist and keeps the observed states true. It never touches an environment that an
 * operation holds, nor one whose record is malformed. Gone is concluded from positive evidence alone; a failed question ages the last answer, and only
 * past its bound makes it `unknown`.
 */
export class Reconciler {
  private readonly toolkit: Toolkit
  private readonly views: EnvironmentViews
  private readonly options: ReconcilerOptions
  private readonly turns: Turns
  private readonly stale: StaleStates
  private readonly ending = new AbortController()
  private loops: Promise<void>[] = []
  /** Whose agents left the last question open. */
  private readonly silent = new Set<EnvironmentId>()
  /** Guests that are told to be gone, and of which something may be left. */
  private readonly gone = new Set<BootId>()

  constructor(toolkit: Toolkit, views: EnvironmentViews, options: ReconcilerOptions) {
    this.toolkit = toolkit
    this.views = views
    this.options = options
    this.turns = new Turns(options.concurrency)
    this.stale = new StaleStates(toolkit, views, options.staleAfterMs)
  }

  /**
   * Looks once at everything, then goes on by itself. Guests that do not answer hold the start up only for a bounded
   * time; what is said of them until they do is as old as it says.
   */
  async start(): Promise<void> {
    this.settleOrphans()
    const first = Promise.withResolvers<undefined>()
    this.keepDoing('reconciler', () => this.pass().finally(() => first.resolve(undefined)))
    const looked = new AbortController()
    await Promise.race([first.promise, this.clock.sleep(FIRST_LOOK_MS, looked.signal).catch(() => undefined)])
    looked.abort()
    this.keepDoing('stale states', () => this.stale.look())
  }

  private keepDoing(name: string, work: () => Promise<void> | void): void {
    const { clock, logger } = this.toolkit
    const { intervalMs } = this.options
    this.loops.push(repeat(work, { clock, logger, intervalMs, signal: this.ending.signal, name }))
  }

  async stop(): Promise<void> {
    this.ending.abort(new Error('The daemon is ending.'))
    await Promise.all(this.loops)
  }

  /** Looks at every guest once. */
  async pass(): Promise<void> {
    const look = this.views.now()
    const boots = this.store.boots.live()
    await Promise.all(boots.map((boot) => this.look(boot)))
    const guests = new Set(boots.map(({ environmentId }) => environmentId))
    this.views.confirmPass(look, guests)
    this.forgetOthers(guests)
    this.options.onPassed()
  }

  /** Of guests that there are no more, nothing is to be remembered: their ids never come back. */
  private forgetOthers(guests: ReadonlySet<EnvironmentId>): void {
    keepOnly(this.silent, (id) => guests.has(id))
    keepOnly(this.gone, (id) => this.store.boots.find(id)?.endedAt === null)
  }

  /** Looks at one guest now, because something has just happened to it. Never rejects. */
  async lookAt(environmentId: EnvironmentId): Promise<void> {
    if (this.ending.signal.aborted) return
    try {
      const boot = this.store.boots.liveOf(environmentId)
      if (boot !== undefined) await this.look(boot)
    } catch (error) {
      this.toolkit.logger.error({ err: error, environmentId }, 'A guest could not be looked at')
    }
  }

  private async look(boot: Boot): Promise<void> {
    const turn = await this.turns.take(this.ending.signal).catch(() => undefined)
    if (turn === undefined) return
    try {
      const look = this.views.now()
      const environment = this.store.environments.find(boot.environmentId)
      if (environment === undefined || environment.quarantine !== null) return
      if (this.trustOperation(environment, look)) return
      const evidence = await this.toolkit.drivers.of(environment).inspectGuest(boot.record)
      if (!this.ending.signal.aborted) await this.learn({ boot, evidence, look })
    } catch (error) {
      this.toolkit.logger.error({ err: error, environmentId: boot.environmentId }, 'A guest could not be looked at')
    } finally {
      turn.dispose()
    }
  }

  /** An operation at work on the guest is itself the evidence: its driver call ends as soon as the guest does. */
  private trustOperation({ id, observed, operationId }: StoredEnvironment, look: Look): boolean {
    const isAtWork = operationId !== null && (observed.kind === 'booting' || observed.kind === 'stopping')
    if (isAtWork) this.views.confirm(id, look)
    return isAtWork
  }

  /** What was asked before an operation came in says nothing any more, but that what runs still ran. */
  private async learn(observation: Observation): Promise<void> {
    const environment = this.store.environments.find(observation.boot.environmentId)
    const boot = this.store.boots.find(observation.boot.id)
    if (environment === undefined || environment.quarantine !== null || boot?.endedAt !== null) return
    if (environment.operationId !== null) {
      const isRunning = environment.observed.kind === 'running' && observation.evidence.kind === 'alive'
      if (isRunning) this.views.confirm(environment.id, observation.look)
      return
    }
    if (observation.evidence.kind === 'gone') return this.learnGone(environment, observation)
    if (observation.evidence.kind === 'unknown') this.learnNothing(environment, observation.evidence.detail)
    else this.learnAlive(environment, { ...observation, evidence: observation.evidence })
  }

  private learnAlive(environment: StoredEnvironment, { boot, evidence, look }: Alive): void {
    const { id, observed } = environment
    const { agent } = evidence
    const isSame = observed.kind === 'running' && observed.bootId === boot.id
    if (agent === 'answering') this.silent.delete(id)
    // What could not be cleaned up stays a failure for as long as it is there.
    const isLeftover = observed.kind === 'failed'
    if (isLeftover || (isSame && observed.agent === agent && !isWellAgain(environment, agent))) {
      this.views.confirm(id, look)
      return
    }
    // One question that the agent leaves open ages its last answer; only the second says that it is silent.
    if (isSame && agent === 'silent' && !this.silent.has(id)) {
      this.silent.add(id)
      return
    }
    const since = isSame ? observed.since : this.clock.now()
    this.writeAlive(environment, {
      observed: { kind: 'running', since, bootId: boot.id, agent },
      evidence,
      at: look.at,
    })
  }

  private writeAlive(environment: StoredEnvironment, { observed, evidence, at }: Written): void {
    const { id } = environment
    const wasKnown = environment.observed.kind === 'running' || environment.observed.kind === 'unknown'
    this.store.db.transaction(() => {
      this.store.environments.setObserved(id, observed, at)
      if (isWellAgain(environment, evidence.agent)) this.store.environments.setAutoRecovered(id, null)
      const [was, is] = [isReady(environment), evidence.agent === 'answering']
      const detail = evidence.detail ?? (is ? 'The agent answers again.' : 'The agent does not answer.')
      if (was && !is) recordReadiness(this.toolkit, environment, { to: 'lost', detail })
      if (!was && is && wasKnown) recordReadiness(this.toolkit, environment, { to: 'regained', detail })
    })
  }

  private learnNothing(environment: StoredEnvironment, detail: string): void {
    const isSettled = environment.observed.kind === 'unknown' || environment.observed.kind === 'failed'
    if (!isSettled && this.stale.isStale(environment)) this.stale.expire(environment, detail)
  }

  /**
   * The state is told at once. The boot ends when everything of the guest is positively gone: until then it is tried
   * again at every look, so that nothing is left of which nobody knows.
   */
  private async learnGone(environment: StoredEnvironment, { boot, evidence, look }: Observation): Promise<void> {
    const detail = evidence.kind === 'gone' ? evidence.detail : ''
    if (!this.gone.has(boot.id)) this.tellGone(environment, { boot, detail, at: look.at })
    const deadlines = { graceMs: 0, forceMs: this.toolkit.deadlines.stopForceMs }
    await this.toolkit.drivers.of(environment).stopGuest(boot.record, deadlines)
    this.store.db.transaction(() => this.store.boots.end(boot.id, this.clock.now()))
    this.gone.delete(boot.id)
  }

  private tellGone(environment: StoredEnvironment, { boot, detail, at }: Gone): void {
    const { id, name, desired, observed } = environment
    const isLost = desired === 'running' && observed.kind !== 'failed'
    const now = this.clock.now()
    const about = { action: 'guest.gone', outcome: isLost ? 'lost' : 'stopped', detail: { bootId: boot.id, detail } }
    const nobody = { actor: null, requestId: null, operationId: null }
    const isTold = observed.kind === 'lost' || observed.kind === 'stopped'
    if (!isTold) {
      this.store.db.transaction(() => {
        if (isLost) this.store.environments.setObserved(id, { kind: 'lost', since: now, detail }, at)
        else if (observed.kind !== 'failed')
          this.store.environments.setObserved(id, { kind: 'stopped', since: now }, at)
        this.store.activity.append({ ...about, ...nobody, at: now, environmentId: id })
        if (isReady(environment)) recordReadiness(this.toolkit, environment, { to: 'lost', detail })
      })
      this.toolkit.logger.warn({ environmentId: id, name, bootId: boot.id, detail }, 'A guest is gone')
    }
    this.gone.add(boot.id)
  }

  /** States that only an operation can be in, without one: whatever left them so has been interrupted for good. */
  private settleOrphans(): void {
    const now = this.clock.now()
    const fleeting: readonly ObservedState['kind'][] = ['creating', 'booting', 'running', 'stopping', 'unknown']
    for (const { id, observed, operationId, desired, quarantine } of this.store.environments.list()) {
      const isOrphan = quarantine === null && operationId === null && fleeting.includes(observed.kind)
      if (!isOrphan || this.store.boots.liveOf(id) !== undefined) continue
      const detail = 'The daemon was interrupted; no guest exists.'
      const failed = { kind: 'failed', since: now, reason: 'interrupted', phase: 'requested', detail } as const
      this.write(id, desired === 'running' ? failed : { kind: 'stopped', since: now }, now)
    }
  }

  private write(id: EnvironmentId, observed: ObservedState, at: number): void {
    this.store.db.transaction(() => this.store.environments.setObserved(id, observed, at))
  }

  private get store(): Store {
    return this.toolkit.store
  }

  private get clock(): Clock {
    return this.toolkit.clock
  }
}
