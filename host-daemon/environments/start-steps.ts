import { PilothouseError } from '../../src-shared/error.ts'
import type { BootId } from '../../src-shared/model/ids.ts'
import type { BootRecord, BootSpec, GuestEvidence } from '../drivers/vm-driver.ts'
import type { Step, StepContext } from '../operations/step.ts'
import type { Boot } from '../store/boots-table.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { DRIVER_MARGIN_MS, environmentOf } from './environment-of.ts'
import { refuseQuarantined } from './quarantine.ts'
import type { Toolkit } from './toolkit.ts'

/** Waits until few enough other guests are starting. The wait is nobody's failure and counts for no deadline. */
export function awaitTurn({ turns, deadlines }: Toolkit): Step {
  return {
    name: 'await_turn',
    phase: 'requested',
    deadlineMs: deadlines.queueMs,
    isCancellable: true,
    run: async ({ scope, signal }) => {
      scope.add(await turns.take(signal))
    },
  }
}

/** Starts the guest; the means to find and stop it are durable before anything of it exists. */
export function startGuest(toolkit: Toolkit): Step {
  return {
    name: 'start_guest',
    phase: 'booting_guest',
    deadlineMs: toolkit.deadlines.startMs,
    isCancellable: true,
    run: (context) => bootGuest(toolkit, context),
    undo: ({ operation }) => endOwnBoot(toolkit, operation),
  }
}

async function bootGuest(toolkit: Toolkit, context: StepContext): Promise<void> {
  if (await isThereAlready(toolkit, context.operation)) return
  context.signal.throwIfAborted()
  const environment = environmentOf(toolkit, context.operation)
  refuseQuarantined(environment)
  const spec = specOf(toolkit, environment)
  const driver = toolkit.drivers.of(environment)
  const record = driver.planBoot(spec)
  await recordBoot(toolkit, context, record)
  // Who was left behind meanwhile starts nothing any more: whatever it has recorded is being undone.
  context.signal.throwIfAborted()
  await driver.startGuest(spec, record, context.signal)
}

/**
 * A guest that is alive is adopted: one of an interrupted start, or one that ran all the time. What is left of any
 * other is ended.
 */
async function isThereAlready(toolkit: Toolkit, operation: StoredOperation): Promise<boolean> {
  const environment = environmentOf(toolkit, operation)
  const boot = toolkit.store.boots.liveOf(environment.id)
  if (boot === undefined) return false
  const isLeftover = environment.observed.kind === 'failed' && boot.operationId !== operation.id
  const isOnItsHome = boot.record.homeId === environment.home.id
  if (!isLeftover && isOnItsHome && (await isAlive(toolkit, { environment, boot }))) return true
  await endBoot(toolkit, { environment, boot })
  return false
}

function specOf({ store, random }: Toolkit, environment: StoredEnvironment): BootSpec {
  const { id: environmentId, home, image, size, guestUid } = environment
  const bootId = `boot-${random.hex(8)}` as BootId
  const startup = store.environments.startupOf(environmentId)
  return { environmentId, bootId, homeId: home.id, image, size, guestUid, startup }
}

/** The means to find and stop the guest, durable before it exists. */
function recordBoot(toolkit: Toolkit, { operation, attempt }: StepContext, record: BootRecord): Promise<void> {
  const { store, clock, bootAges } = toolkit
  const { environmentId, bootId } = record
  const since = clock.now()
  bootAges.begin(environmentId, bootId)
  return store.db.together(() => {
    store.boots.insert({ operationId: operation.id, record, startedAt: since })
    store.environments.setBoot(environmentId, bootId)
    const observed = { kind: 'booting', since, phase: 'booting_guest', bootId, attempt } as const
    store.environments.setObserved(environmentId, observed, since)
  })
}

interface Present {
  readonly environment: StoredEnvironment
  readonly boot: Boot
}

/** Throws `engine_failed` when it cannot tell: a second guest must never be started on the same home. */
async function isAlive({ drivers }: Toolkit, { environment, boot }: Present): Promise<boolean> {
  const evidence: GuestEvidence = await drivers.of(environment).inspectGuest(boot.record)
  if (evidence.kind !== 'unknown') return evidence.kind === 'alive'
  const message = `Whether the guest still runs could not be found out: ${evidence.detail}`
  throw new PilothouseError('engine_failed', message)
}

/** The guest is positively gone, with everything but its journal, before its boot has ended; `told` goes with that. */
async function endBoot(toolkit: Toolkit, { environment, boot }: Present, told?: () => void): Promise<void> {
  const { store, clock, drivers, deadlines } = toolkit
  await drivers.of(environment).stopGuest(boot.record, { graceMs: 0, forceMs: deadlines.stopForceMs })
  await store.db.together(() => {
    store.boots.end(boot.id, clock.now())
    told?.()
  })
}

async function endOwnBoot(toolkit: Toolkit, operation: StoredOperation): Promise<void> {
  toolkit.bootAges.forget(operation.environmentId)
  const boot = ownBoot(toolkit, operation)
  if (boot !== undefined) await endBoot(toolkit, { environment: environmentOf(toolkit, operation), boot })
}

/** Ends the boot of a guest that was ready and is positively gone since, so that nobody is told that it runs. */
export async function noticeEarlyEnd(toolkit: Toolkit, operation: StoredOperation): Promise<void> {
  const { store, clock, drivers } = toolkit
  const boot = ownBoot(toolkit, operation)
  if (boot === undefined) return
  const environment = environmentOf(toolkit, operation)
  const evidence = await drivers.of(environment).inspectGuest(boot.record)
  if (evidence.kind !== 'gone') return
  const detail = { bootId: boot.id, detail: evidence.detail }
  const about = { action: 'guest.gone', outcome: 'lost', environmentId: environment.id, operationId: operation.id }
  const nobody = { actor: null, requestId: null, at: clock.now() }
  await endBoot(toolkit, { environment, boot }, () => store.activity.append({ ...about, ...nobody, detail }))
}

/** Waits for the guest's agent. A guest that this operation did not start is not waited for. */
export function awaitReady(toolkit: Toolkit): Step {
  return {
    name: 'await_ready',
    phase: 'waiting_for_service_ready',
    deadlineMs: toolkit.deadlines.startMs + DRIVER_MARGIN_MS,
    isCancellable: true,
    enter: (operation) => showWaiting(toolkit, operation),
    run: async (context) => {
      const boot = ownBoot(toolkit, context.operation)
      if (boot !== undefined) await waitForAgent(toolkit, { boot, context })
    },
  }
}

function ownBoot({ store }: Toolkit, operation: StoredOperation): Boot | undefined {
  const boot = store.boots.liveOf(operation.environmentId)
  return boot?.operationId === operation.id ? boot : undefined
}

function showWaiting(toolkit: Toolkit, operation: StoredOperation): void {
  const boot = ownBoot(toolkit, operation)
  if (boot === undefined) return
  const [phase, attempt] = ['waiting_for_service_ready' as const, operation.attempt ?? 1]
  const observed = { kind: 'booting', since: boot.startedAt, phase, bootId: boot.id, attempt } as const
  toolkit.store.environments.setObserved(boot.environmentId, observed, toolkit.clock.now())
}

async function waitForAgent(toolkit: Toolkit, { boot, context }: { boot: Boot; context: StepContext }): Promise<void> {
  const { bootAges, drivers, deadlines } = toolkit
  const { operation, signal } = context
  const leftMs = bootAges.leftMs(boot, deadlines.startMs)
  try {
    await drivers.of(environmentOf(toolkit, operation)).waitUntilReady(boot.record, leftMs, signal)
  } finally {
    bootAges.forget(boot.environmentId)
  }
}
