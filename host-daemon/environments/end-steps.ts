import type { Step, StepContext } from '../operations/step.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { DRIVER_MARGIN_MS, environmentOf } from './environment-of.ts'
import { meansToStop } from './quarantine.ts'
import type { Toolkit } from './toolkit.ts'

export interface EndOptions {
  readonly name: 'stop_guest' | 'end_guest'
  /** How long the guest may take to power off by itself before force, in milliseconds, at the first attempt. */
  readonly graceMs: number
  /** Told at most once, in the transaction that learns it, that there was no guest to end. */
  readonly onMissing?: (operation: StoredOperation) => void
}

/**
 * Ends the guest, by its record alone, and resolves once it is positively gone. A further attempt grants no grace, and
 * clears away whatever the newest boot left, so that nothing but the home is carried over.
 */
export function endGuest(toolkit: Toolkit, options: EndOptions): Step {
  return {
    name: options.name,
    phase: null,
    deadlineMs: options.graceMs + toolkit.deadlines.stopForceMs + DRIVER_MARGIN_MS,
    isCancellable: false,
    enter: (operation) => {
      const isThere = showStopping(toolkit, operation)
      if (!isThere && isFirstTime(toolkit, operation)) options.onMissing?.(operation)
    },
    run: (context) => end(toolkit, options, context),
  }
}

/** False where there is no guest. What could not be cleaned up stays a failure until it is. */
function showStopping(toolkit: Toolkit, operation: StoredOperation): boolean {
  const { store, clock } = toolkit
  const { id, observed } = environmentOf(toolkit, operation)
  const boot = store.boots.liveOf(id)
  const since = clock.now()
  if (boot !== undefined && observed.kind !== 'failed') {
    store.environments.setObserved(id, { kind: 'stopping', since, bootId: boot.id }, since)
  }
  // The guest of the attempt before has been ended; nothing boots until the next one.
  if (boot === undefined && observed.kind === 'booting') {
    store.environments.setObserved(id, { kind: 'stopped', since }, since)
  }
  return boot !== undefined
}

/** A step that goes on after a crash may itself have ended the guest that it no longer finds. */
function isFirstTime({ store }: Toolkit, { id, step }: StoredOperation): boolean {
  return store.steps.list(id).filter((entry) => entry.direction === 'forward' && entry.step === step).length === 1
}

async function end(toolkit: Toolkit, options: EndOptions, { operation, attempt }: StepContext): Promise<void> {
  const { store, clock, drivers, deadlines } = toolkit
  const environment = environmentOf(toolkit, operation)
  const { id } = environment
  const boot = store.boots.liveOf(id)
  if (boot === undefined) return attempt > 1 ? clearNewest(toolkit, environment) : undefined
  const bounds = { graceMs: attempt > 1 ? 0 : options.graceMs, forceMs: deadlines.stopForceMs }
  const means = meansToStop(toolkit, environment, boot)
  const how = means === undefined ? 'was_gone' : await drivers.of(environment).stopGuest(means, bounds)
  await store.db.together(() => {
    store.boots.end(boot.id, clock.now())
    store.environments.setObserved(id, { kind: 'stopped', since: clock.now() }, clock.now())
    if (how === 'was_gone' && isFirstTime(toolkit, operation)) options.onMissing?.(operation)
  })
}

async function clearNewest(toolkit: Toolkit, environment: StoredEnvironment): Promise<void> {
  const { store, drivers, deadlines } = toolkit
  const newest = store.boots.listOf(environment.id)[0]
  const bounds = { graceMs: 0, forceMs: deadlines.stopForceMs }
  if (newest !== undefined) await drivers.of(environment).stopGuest(newest.record, bounds)
}
