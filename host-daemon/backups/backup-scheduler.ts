import { PilothouseError } from '../../src-shared/error.ts'
import { keepOnly } from '../../src-shared/lib/keep-only.ts'
import type { NewestPoint } from '../../src-shared/model/backup.ts'
import type { CommandId, EnvironmentId, OperationId, RequestId } from '../../src-shared/model/ids.ts'
import type { OperationKind } from '../../src-shared/model/operation.ts'
import type { Requester } from '../operations/requester.ts'
import { repeat } from '../system/repeat.ts'
import {
  acceptBackup,
  acceptCheck,
  acceptPrune,
  type BackupCommand,
  type BackupCommandDeps,
} from './backup-commands.ts'
import { dueOf, inTurn, nextBackupAt, nextDrillAt, type DueWork, type Subject } from './due-work.ts'
import { tellFreshness } from './freshness-watch.ts'
import { policyOf } from './policy.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { afterFailure, afterNoVerdict } from './schedule.ts'
import { BackupStatuses } from './statuses.ts'

/** A check or prune that could not be done is tried again this much later, in milliseconds. */
const AGAIN_MS = 60 * 60 * 1000
const MOST_RUNNING = 1_000
const OURS: readonly OperationKind[] = ['backup', 'check', 'prune', 'drill']
const HOUR_MS = 60 * 60 * 1000

type OnAccepting = (operationId: OperationId) => void

export interface SchedulerDeps extends Omit<BackupCommandDeps, 'onAccepting'> {
  /** Accepts a drill of the newest point; `onAccepting` has a last look in its transaction, and refuses by throwing. */
  readonly drill: (caller: Requester, input: BackupCommand, onAccepting: OnAccepting) => Promise<unknown>
}

/**
 * Backs up, checks, prunes and drills by itself, what is longest due first, and no more at once than may run at once: whatever
 * the clock did, the others stay due and have their turn. When each is due is in the record, and outlives the daemon.
 * Tells changes of freshness too.
 */
export class BackupScheduler {
  private readonly deps: SchedulerDeps
  private readonly statuses: BackupStatuses
  private readonly ending = new AbortController()
  /** When what is due of an environment was last asked for, by environment and kind. */
  private readonly asked = new Map<EnvironmentId, Map<DueWork['kind'], number>>()
  private loop: Promise<void> = Promise.resolve()

  constructor(deps: SchedulerDeps) {
    this.deps = deps
    this.statuses = new BackupStatuses(deps.recovery)
  }

  /** Only once interrupted operations have been taken up. */
  start(): void {
    const { clock, logger, settings } = this.recovery
    const { signal } = this.ending
    this.settleLostAttempts()
    this.loop = repeat(() => this.tick(), { clock, logger, intervalMs: settings.tickMs, signal, name: 'backups' })
  }

  /** Operations that were accepted go on by themselves. */
  async stop(): Promise<void> {
    this.ending.abort(new Error('The daemon is ending.'))
    await this.loop
  }

  /** One look at everything. */
  async tick(): Promise<void> {
    const { store, clock, settings } = this.recovery
    const now = clock.now()
    const states = store.backupStates.all()
    const subjects = this.statuses.all().map((status) => {
      const state = states.get(status.environmentId) ?? store.backupStates.none(status.environmentId)
      return { status, state }
    })
    const living = new Set(subjects.map(({ status }) => status.environmentId))
    keepOnly(this.asked, (id) => living.has(id))
    tellFreshness(this.recovery, subjects)
    this.keepTimes(subjects, now)
    const due = subjects
      .flatMap((subject) => dueOf(subject, settings, now))
      .filter((work) => !this.isTooSoon(work, now))
    const isDrilled = ({ id }: NewestPoint) => store.points.find(id)?.drilledAt !== null
    for (const work of inTurn(due, isDrilled)) {
      if (this.ending.signal.aborted || this.countRunning() >= settings.maxConcurrent) return
      await this.begin(work)
    }
  }

  /** What is said of the next backup and drill is what will be held to. */
  private keepTimes(subjects: readonly Subject[], now: number): void {
    const { store } = this.recovery
    const moved = subjects
      .map((subject) => ({ subject, at: nextBackupAt(subject, now), drillAt: nextDrillAt(subject, now) }))
      .filter(({ subject: { state }, at, drillAt }) => at !== state.nextAt || drillAt !== state.nextDrillAt)
    if (moved.length === 0) return
    store.db.transaction(() => {
      for (const { subject, at, drillAt } of moved) {
        store.backupStates.setNextAt(subject.status.environmentId, at)
        store.backupStates.setNextDrillAt(subject.status.environmentId, drillAt)
      }
    })
  }

  private isTooSoon({ kind, id }: DueWork, now: number): boolean {
    const askedAt = this.asked.get(id)?.get(kind)
    const isRecorded = kind === 'backup' || kind === 'drill'
    return !isRecorded && askedAt !== undefined && Math.abs(now - askedAt) < AGAIN_MS
  }

  private noteAsked({ kind, id }: DueWork, at: number): void {
    this.asked.set(id, (this.asked.get(id) ?? new Map<DueWork['kind'], number>()).set(kind, at))
  }

  private countRunning(): number {
    const running = this.recovery.store.operations.list({ isRunning: true, limit: MOST_RUNNING })
    return running.filter(({ kind }) => OURS.includes(kind)).length
  }

  /** Never rejects. What is at work on an environment comes first; it stays due. */
  private async begin(work: DueWork): Promise<void> {
    const { store, logger, clock } = this.recovery
    const environment = store.environments.find(work.id)
    if (environment === undefined || environment.quarantine !== null || environment.operationId !== null) return
    const caller = this.caller()
    try {
      await this.accept(work, caller)
      this.noteAsked(work, clock.now())
    } catch (error) {
      if (error instanceof PilothouseError && error.code === 'operation_in_flight') return
      logger.warn({ err: error, environmentId: work.id, kind: work.kind, requestId: caller.requestId }, 'Refused')
      this.refused(work, caller, error)
    }
  }

  private accept(work: DueWork, caller: Requester): Promise<unknown> {
    const { deps } = this
    const commandId = `cmd-${this.recovery.random.hex(16)}` as CommandId
    const input = { commandId, environment: work.id }
    const onAccepting = () => this.insistOnDue(work)
    if (work.kind === 'backup') return acceptBackup({ ...deps, onAccepting }, caller, input)
    if (work.kind === 'drill') return deps.drill(caller, input, (operationId) => this.insistOnDrill(work, operationId))
    if (work.kind === 'prune') return acceptPrune(deps, caller, input)
    return acceptCheck(deps, caller, { ...input, depth: work.depth })
  }

  /** Another one may have ended since this one was found due. */
  private insistOnDue({ kind, id }: DueWork): void {
    const { store, clock } = this.recovery
    const { nextAt, nextDrillAt: drillAt } = store.backupStates.of(id)
    const dueAt = kind === 'drill' ? drillAt : nextAt
    if (dueAt !== null && dueAt <= clock.now()) return
    throw new PilothouseError('operation_in_flight', `A ${kind} was made meanwhile.`)
  }

  /** However it was asked for, one of an environment at a time is enough. */
  private insistOnDrill(work: DueWork, operationId: OperationId): void {
    this.insistOnDue(work)
    const { claims, operations } = this.recovery.store
    const others = claims.sharersOf(work.id).filter((id) => id !== operationId)
    if (others.every((id) => operations.find(id)?.kind !== 'drill')) return
    throw new PilothouseError('operation_in_flight', 'A drill of the environment is under way.')
  }

  /** A backup that is not even accepted has failed, as any other that fails; a drill is put off. */
  private refused(work: DueWork, { actor, requestId }: Requester, error: unknown): void {
    const { store, clock, logger } = this.recovery
    const { id: environmentId, kind: action } = work
    const at = clock.now()
    this.noteAsked(work, at)
    const isKnown = error instanceof PilothouseError
    const detail = isKnown ? { code: error.code, message: error.message } : { code: 'internal' }
    try {
      store.db.transaction(() => {
        if (action === 'backup') this.putOff(environmentId, at)
        if (action === 'drill') this.putOffDrill(environmentId, at)
        const about = { actor, requestId, operationId: null, environmentId, at }
        store.activity.append({ ...about, action, outcome: 'refused', detail })
      })
    } catch (failure) {
      logger.error({ err: failure, environmentId }, 'That something due was refused could not be recorded')
    }
  }

  private putOff(id: EnvironmentId, now: number): void {
    const { backupStates } = this.recovery.store
    const state = backupStates.of(id)
    const { intervalMinutes } = policyOf(this.recovery, state)
    const failures = state.failuresInARow + 1
    backupStates.setFailuresInARow(id, failures)
    if (intervalMinutes === null) return
    backupStates.setNextAt(id, afterFailure({ id, intervalMs: intervalMinutes * 60_000 }, failures, now))
  }

  private putOffDrill(id: EnvironmentId, now: number): void {
    const { backupStates } = this.recovery.store
    const { drillIntervalHours } = policyOf(this.recovery, backupStates.of(id))
    if (drillIntervalHours === null) return
    backupStates.setNextDrillAt(id, afterNoVerdict({ id, intervalMs: drillIntervalHours * HOUR_MS }, now))
  }

  /** Backups that are told to run and do not: their operation was abandoned, or its row is no more. */
  private settleLostAttempts(): void {
    const { store } = this.recovery
    store.db.transaction(() => {
      for (const [id, { attempt }] of store.backupStates.all()) {
        if (attempt?.outcome !== 'running') continue
        const status = store.operations.find(attempt.operationId)?.status
        if (status?.kind === 'running') continue
        const failure = status?.kind === 'failed' ? status.failure : null
        store.backupStates.setAttempt(id, { ...attempt, outcome: 'failed', failure })
      }
    })
  }

  private caller(): Requester {
    const { random, uid } = this.recovery
    const actor = { user: 'pilothoused', uid, role: 'admin', claimedActor: null } as const
    return { actor, requestId: `req-${random.hex(8)}` as RequestId }
  }

  private get recovery(): RecoveryToolkit {
    return this.deps.recovery
  }
}
