import { homeIdSchema } from '../../src-shared/model/ids.ts'
import type { OperationDefinition, Step } from '../operations/step.ts'
import { endGuest } from './end-steps.ts'
import { environmentOf } from './environment-of.ts'
import { describeFailure } from './failures.ts'
import type { Toolkit } from './toolkit.ts'

/** Stops the guest; the home is kept. */
export function stopOperation(toolkit: Toolkit): OperationDefinition {
  const { store, clock, deadlines, logger } = toolkit
  return {
    kind: 'stop',
    claim: { mode: 'exclusive', resource: 'guest', isDisplacing: true },
    steps: [endGuest(toolkit, { name: 'stop_guest', graceMs: deadlines.stopGraceMs })],
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
    steps: [endGuest(toolkit, { name: 'stop_guest', graceMs: 0 }), removeHomes(toolkit)],
    retry: null,
    describeFailure: describeFailure(logger),
    settle: ({ environmentId }, outcome) => {
      if (outcome.kind === 'succeeded') store.environments.setDestroyed(environmentId, clock.now())
    },
  }
}

function removeHomes(toolkit: Toolkit): Step {
  const { store, clock, drivers, deadlines } = toolkit
  return {
    name: 'remove_home',
    phase: null,
    deadlineMs: deadlines.homeMs,
    isCancellable: false,
    isForwardOnly: true,
    run: async ({ operation }) => {
      const environment = environmentOf(toolkit, operation)
      for (const homeId of store.environments.homesOf(environment.id)) {
        // No home was ever made under a name that is none: a malformed record must not keep the others from going.
        if (homeIdSchema.safeParse(homeId).success) await drivers.of(environment).destroyHome(homeId)
        store.db.transaction(() => store.environments.setHomeRemoved(homeId, clock.now()))
      }
    },
  }
}
