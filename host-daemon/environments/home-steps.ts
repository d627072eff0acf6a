import { PilothouseError } from '../../src-shared/error.ts'
import type { Step, StepContext, UndoContext } from '../operations/step.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { environmentOf } from './environment-of.ts'
import { insistOnHome } from './home-look.ts'
import type { Toolkit } from './toolkit.ts'

/** Looks at the home before anything is touched. One that was never made will be; one that is gone ends it here. */
export function checkHome(toolkit: Toolkit): Step {
  return {
    name: 'check_home',
    phase: 'requested',
    deadlineMs: toolkit.deadlines.homeMs,
    isCancellable: true,
    run: async ({ operation }) => {
      const environment = environmentOf(toolkit, operation)
      if (toolkit.store.environments.homeMadeAt(environment.home.id) === null) return
      await assertHome(toolkit, environment)
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
  await store.db.together(() => store.environments.setHomeMade(homeId, clock.now()))
}

/** Throws `home_gone` on positive evidence only, and `engine_failed` where it cannot tell. */
async function assertHome(toolkit: Toolkit, environment: StoredEnvironment): Promise<void> {
  const look = async () => toolkit.drivers.of(environment).inspectHome(environment.home.id)
  const seen = await look().catch((error: unknown) => {
    const says = error instanceof Error ? error.message : String(error)
    const message = `Whether the home of ${environment.name} is there could not be found out: ${says}`
    throw new PilothouseError('engine_failed', message, { cause: error, details: { reason: 'disk_failed' } })
  })
  insistOnHome(toolkit, environment, seen)
}

async function removeFreshHome(toolkit: Toolkit, { operation, cause }: UndoContext): Promise<void> {
  const { store, clock, drivers } = toolkit
  const environment = environmentOf(toolkit, operation)
  const homeId = environment.home.id
  const isCancelledSpawn = operation.kind === 'spawn' && cause.code === 'cancelled'
  if (!isCancelledSpawn && store.environments.homeMadeAt(homeId) !== null) return
  await drivers.of(environment).destroyHome(homeId)
  if (isCancelledSpawn) await store.db.together(() => store.environments.setHomeRemoved(homeId, clock.now()))
}
