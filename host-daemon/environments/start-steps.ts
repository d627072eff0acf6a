import { PilothouseError } from '../../src-shared/error.ts'
import type { BootId } from '../../src-shared/model/ids.ts'
import type { GuestEvidence } from '../drivers/vm-driver.ts'
import type { Step, StepContext, UndoContext } from '../operations/step.ts'
import type { Boot } from '../store/boots-table.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { Toolkit } from './toolkit.ts'

/** A driver keeps its own deadlines; the step's comes this much later, in milliseconds, for one that does not. */
export const DRIVER_MARGIN_MS = 5_000
const LEAST_READY_BUDGET_MS = 1_000

/** Throws when the row is gone: nothing could be right any more. */
export function environmentOf({ store }: Toolkit, operation: StoredOperation): StoredEnvironment {
  const environment = store.environments.find(operation.environmentId)
  if (environment === undefined) throw new Error(`Environment ${operation.environmentId} is not in the database`)
  return environment
}

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

/** Makes the home where none was ever made, and insists on it where one was. Its undo removes what holds no data. */
export function prepareHome(toolkit: Toolkit): Step {
  return {
    name: 'prepare_home',
    phase: 'provisioning_vm',
    deadlineMs: toolkit.deadlines.homeMs,
    isCancellable: true,
    enter: (operation) => showProvisioning(toolkit, operation),
    run: (context) => makeHome(toolkit, context),
    undo: (context) => removeFreshHome(toolkit, context),
  }
}

function showProvisioning(toolkit: Toolkit, operation: StoredOperation): void {
  const { id, observed } = environmentOf(toolkit, operation)
  if (observed.kind !== 'creating') return
  toolkit.store.environments.setObserved(id, { ...observed, phase: 'provisioning_vm' }, toolkit.clock.now())
}

async function makeHome(toolkit: Toolkit, { operation, signal }: StepContext): Promise<void> {
  const { store, clock, drivers } = toolkit
  const environment = environmentOf(toolkit, operation)
  const { id: homeId, sizeMiB } = environment.home
  if (store.environments.homeMadeAt(homeId) !== null) return assertHome(toolkit, environment)
  await drivers.of(environment).createHome(homeId, sizeMiB, signal)
  store.db.transaction(() => store.environments.setHomeMade(homeId, clock.now()))
}

/** Throws `home_gone` on positive evidence only. */
export async function assertHome({ drivers }: Toolkit, environment: StoredEnvironment): Promise<void> {
  const found = await drivers.of(environment).inspectHome(environment.home.id)
  if (found.kind === 'present') return
  throw new PilothouseError('home_gone', `The home of ${environment.name} is gone; nothing was started without it.`)
}

async function removeFreshHome(toolkit: Toolkit, { operation, cause }: UndoContext): Promise<void> {
  const { store, clock, drivers } = toolkit
  const environment = environmentOf(toolkit, operation)
  const homeId = environment.home.id
  const isCancelledSpawn = operation.kind === 'spawn' && cause.code === 'cancelled'
  if (!isCancelledSpawn && store.environments.homeMadeAt(homeId) !== null) return
  await drivers.of(environment).destroyHome(homeId)
  if (isCancelledSpawn) store.db.transaction(() => store.environments.setHomeRemoved(homeId, clock.now()))
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
  const { store, clock, drivers } = toolkit
  const environment = environmentOf(toolkit, context.operation)
  const driver = drivers.of(environment)
  const present = store.boots.liveOf(environment.id)
  if (present !== undefined) {
    const isLeftover = environment.observed.kind === 'failed' && present.operationId !== context.operation.id
    // A guest that is alive is adopted: one of an interrupted start, or one that ran all the time.
    if (!isLeftover && (await isAlive(toolkit, { environment, boot: present }))) return
    await endBoot(toolkit, { environment, boot: present })
  }
  context.signal.throwIfAborted()
  const spec = {
    environmentId: environment.id,
    bootId: `boot-${toolkit.random.hex(8)}` as BootId,
    homeId: environment.home.id,
    image: environment.image,
    size: environment.size,
    guestUid: environment.guestUid,
  }
  const record = driver.planBoot(spec)
  const { bootId } = spec
  const [since, { attempt }] = [clock.now(), context]
  store.db.transaction(() => {
    store.boots.insert({ operationId: context.operation.id, record, startedAt: since })
    store.environments.setBoot(environment.id, bootId)
    const observed = { kind: 'booting', since, phase: 'booting_guest', bootId, attempt } as const
    store.environments.setObserved(environment.id, observed, since)
  })
  await driver.startGuest(spec, record, context.signal)
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

/** The guest is positively gone, with everything but its journal, before its boot has ended. */
async function endBoot({ store, clock, drivers, deadlines }: Toolkit, { environment, boot }: Present): Promise<void> {
  await drivers.of(environment).stopGuest(boot.record, { graceMs: 0, forceMs: deadlines.stopForceMs })
  store.db.transaction(() => store.boots.end(boot.id, clock.now()))
}

async function endOwnBoot(toolkit: Toolkit, operation: StoredOperation): Promise<void> {
  const boot = ownBoot(toolkit, operation)
  if (boot !== undefined) await endBoot(toolkit, { environment: environmentOf(toolkit, operation), boot })
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
  const { clock, drivers, deadlines } = toolkit
  const { operation, signal } = context
  const spentMs = operation.resumptions > 0 ? 0 : clock.now() - boot.startedAt
  const budgetMs = Math.max(LEAST_READY_BUDGET_MS, deadlines.startMs - spentMs)
  await drivers.of(environmentOf(toolkit, operation)).waitUntilReady(boot.record, budgetMs, signal)
}
