import type { OperationDefinition, Step, StepContext } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { describeFailure } from './failures.ts'
import { DRIVER_MARGIN_MS, environmentOf } from './start-steps.ts'
import type { Toolkit } from './toolkit.ts'

/** Stops the guest; the home is kept. */
export function stopOperation(toolkit: Toolkit): OperationDefinition {
  const { store, clock, deadlines, logger } = toolkit
  return {
    kind: 'stop',
    claim: { mode: 'exclusive', resource: 'guest', isDisplacing: true },
    steps: [stopGuest(toolkit, deadlines.stopGraceMs)],
    retry: null,
    describeFailure: describeFailure(logger),
    settle: ({ environmentId: id }, outcome) => {
      const isStopped = store.environments.find(id)?.observed.kind === 'stopped'
      if (outcome.kind !== 'succeeded' || isStopped) return
      store.environments.setObserved(id, { kind: 'stopped', since: clock.now() }, clock.now())
    },
  }
}

/** Removes guest and home. Once begun it only goes forward: what is removed cannot be brought back. */
export function destroyOperation(toolkit: Toolkit): OperationDefinition {
  const { store, clock, logger } = toolkit
  return {
    kind: 'destroy',
    claim: { mode: 'exclusive', resource: 'home', isDisplacing: true },
    steps: [stopGuest(toolkit, 0), removeHomes(toolkit)],
    retry: null,
    describeFailure: describeFailure(logger),
    settle: ({ environmentId }, outcome) => {
      if (outcome.kind === 'succeeded') store.environments.setDestroyed(environmentId, clock.now())
    },
  }
}

function stopGuest(toolkit: Toolkit, graceMs: number): Step {
  return {
    name: 'stop_guest',
    phase: null,
    deadlineMs: graceMs + toolkit.deadlines.stopForceMs + DRIVER_MARGIN_MS,
    isCancellable: false,
    enter: (operation) => showStopping(toolkit, operation),
    run: (context) => endGuest(toolkit, { context, graceMs }),
  }
}

function showStopping({ store, clock }: Toolkit, { environmentId: id }: StoredOperation): void {
  const boot = store.boots.liveOf(id)
  const since = clock.now()
  if (boot !== undefined) store.environments.setObserved(id, { kind: 'stopping', since, bootId: boot.id }, since)
}

interface Ending {
  readonly context: StepContext
  readonly graceMs: number
}

async function endGuest(toolkit: Toolkit, { context, graceMs }: Ending): Promise<void> {
  const { store, clock, drivers, deadlines } = toolkit
  const environment = environmentOf(toolkit, context.operation)
  const boot = store.boots.liveOf(environment.id)
  if (boot === undefined) return
  const { id } = environment
  await drivers.of(environment).stopGuest(boot.record, { graceMs, forceMs: deadlines.stopForceMs })
  store.db.transaction(() => {
    store.boots.end(boot.id, clock.now())
    store.environments.setObserved(id, { kind: 'stopped', since: clock.now() }, clock.now())
  })
}

function removeHomes(toolkit: Toolkit): Step {
  const { store, clock, drivers, deadlines } = toolkit
  return {
    name: 'remove_home',
    phase: null,
    deadlineMs: deadlines.homeMs,
    isCancellable: false,
    run: async ({ operation }) => {
      const environment = environmentOf(toolkit, operation)
      for (const homeId of store.environments.homesOf(environment.id)) {
        await drivers.of(environment).destroyHome(homeId)
        store.db.transaction(() => store.environments.setHomeRemoved(homeId, clock.now()))
      }
    },
  }
}
