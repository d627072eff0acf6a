import { describe, expect, it } from 'vitest'
import { cloneOperation } from '../../../host-daemon/restores/clone-operation.ts'
import { drillOperation } from '../../../host-daemon/restores/drill-operation.ts'
import { restoreFilesOperation } from '../../../host-daemon/restores/files-operation.ts'
import { restoreOperation } from '../../../host-daemon/restores/restore-operation.ts'
import { dropUndoOperation } from '../../../host-daemon/restores/undo-drop.ts'
import { undoOperation } from '../../../host-daemon/restores/undo-operation.ts'
import { OPERATION_STEPS, stepLines } from '../../../src-renderer/lib/operation-steps.ts'
import { sampleEnvironment, sampleOperation } from '../../support/fake-app-samples.ts'

/** Answers every member with itself: enough to name the steps, which is all that is asked of it. */
const anything: never = new Proxy(function fakeToolkit() {}, {
  get: (_target, key) => (key === Symbol.toPrimitive ? () => 0 : anything),
  apply: () => anything,
}) as never

const DEFINITIONS = [
  restoreOperation(anything, { maxAttempts: 1 }),
  undoOperation(anything, { maxAttempts: 1 }),
  dropUndoOperation(anything),
  cloneOperation(anything, { maxAttempts: 1 }),
  drillOperation(anything, anything),
  restoreFilesOperation(anything),
]

describe('the steps in words', () => {
  it.each(DEFINITIONS)('are those of the daemon, in its order: $kind', ({ kind, steps }) => {
    expect(OPERATION_STEPS[kind]?.map(([step]) => step)).toEqual(steps.map(({ name }) => name))
  })

  const operation = sampleOperation(0, sampleEnvironment(0, 1_763_700_000_000), {
    ...{ kind: 'restore', step: 'restore', stepIndex: 3, stepCount: 11, status: { kind: 'running' } },
  })

  it('say which are done, which is going on, and which are to come', () => {
    const states = stepLines(operation)?.map(({ state }) => state)
    expect(states).toEqual([...Array<string>(3).fill('done'), 'current', ...Array<string>(7).fill('ahead')])
  })

  it('are not made up for a host that goes by others', () => {
    expect(stepLines({ ...operation, step: 'fetch_point' })).toBeNull()
    expect(stepLines({ ...operation, stepCount: 12 })).toBeNull()
    expect(stepLines({ ...operation, kind: 'spawn' })).toBeNull()
  })
})
