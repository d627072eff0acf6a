import { environmentSizeSchema, type EnvironmentSize } from '../../src-shared/model/environment.ts'
import type { OperationDefinition, Step, StepContext } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { environmentOf } from './environment-of.ts'
import { describeFailure } from './failures.ts'
import { insistOnHome } from './home-look.ts'
import type { Toolkit } from './toolkit.ts'

/** A home with much in it takes minutes to be checked and grown, in milliseconds. */
const GROW_DEADLINE_MS = 21 * 60_000
const SET_DEADLINE_MS = 5_000

/**
 * Changes the size of a stopped environment. The home is grown before its row says so: wherever this is cut off, the
 * home is at least as large as the row says, and a later resize finds it as it is.
 */
export function resizeOperation(toolkit: Toolkit): OperationDefinition {
  return {
    kind: 'resize',
    claim: { mode: 'exclusive', resource: 'home', isDisplacing: true },
    steps: [growHome(toolkit), setSize(toolkit)],
    params: environmentSizeSchema,
    retry: null,
    describeFailure: describeFailure(toolkit.logger),
    settle: () => undefined,
  }
}

/** Nothing where the size of the home stays, or where no home was ever made: its start makes it as the row says. */
function growHome(toolkit: Toolkit): Step {
  return {
    name: 'grow_home',
    phase: null,
    deadlineMs: GROW_DEADLINE_MS,
    isCancellable: true,
    run: (context) => grow(toolkit, context),
  }
}

async function grow(toolkit: Toolkit, { operation, signal }: StepContext): Promise<void> {
  const environment = environmentOf(toolkit, operation)
  const { homeMiB } = targetOf(operation)
  const { id: homeId, sizeMiB } = environment.home
  if (homeMiB <= sizeMiB) return
  const driver = toolkit.drivers.of(environment)
  const seen = await driver.inspectHome(homeId)
  if (seen.kind === 'absent' && toolkit.store.environments.homeMadeAt(homeId) === null) return
  insistOnHome(toolkit, environment, seen)
  await driver.growHome(homeId, homeMiB, signal)
}

function setSize({ store }: Toolkit): Step {
  return {
    name: 'set_size',
    phase: null,
    deadlineMs: SET_DEADLINE_MS,
    isCancellable: false,
    enter: (operation) => store.environments.setSize(operation.environmentId, targetOf(operation)),
    run: () => Promise.resolve(),
  }
}

/** The size that was decided at the acceptance. */
function targetOf({ params }: StoredOperation): EnvironmentSize {
  return environmentSizeSchema.parse(params)
}
