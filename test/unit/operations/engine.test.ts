import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OperationEngine } from '../../../host-daemon/operations/engine.ts'
import type { OperationDefinition, Outcome, Step } from '../../../host-daemon/operations/step.ts'
import { openDatabase, type Database } from '../../../host-daemon/store/database.ts'
import { createStore, type Store } from '../../../host-daemon/store/store.ts'
import { SystemClock } from '../../../host-daemon/system/clock.ts'
import { identifyProcess } from '../../../host-daemon/system/processes.ts'
import { SystemRandom } from '../../../host-daemon/system/random.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import type { EnvironmentId, EnvironmentName, HomeId, ImageRef, OwnerName } from '../../../src-shared/model/ids.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import { callerOf, newCommandId } from '../../support/fake-driver-daemon.ts'
import { MemoryLogger } from '../../support/memory-logger.ts'
import { waitFor } from '../../support/wait-for.ts'

const ENVIRONMENT = { id: 'env-00000001' as EnvironmentId, name: 'web' as EnvironmentName }

describe('OperationEngine', () => {
  let folder = ''
  let db: Database
  let store: Store
  let engine: OperationEngine
  let trail: string[] = []
  let outcomes: Outcome[] = []
  let logger: MemoryLogger

  const step = (name: string, more: Partial<Step> = {}): Step => ({
    name,
    phase: null,
    deadlineMs: 5_000,
    isCancellable: true,
    run: () => Promise.resolve(void trail.push(name)),
    undo: () => Promise.resolve(void trail.push(`undo ${name}`)),
    ...more,
  })
  const failing = (name: string, error: Error = new Error('broken')) =>
    step(name, {
      run: () => {
        trail.push(name)
        return Promise.reject(error)
      },
    })
  const run = (steps: readonly Step[], retry: OperationDefinition['retry'] = null) => {
    prepare(steps, retry)
    return submit()
  }
  const prepare = (steps: readonly Step[], retry: OperationDefinition['retry'] = null) => {
    const definition: OperationDefinition = {
      kind: 'stop',
      claim: { mode: 'exclusive', resource: 'guest', isDisplacing: true },
      steps,
      retry,
      describeFailure: (error) =>
        error instanceof PilothouseError ? error : new PilothouseError('internal', String(error)),
      settle: (_operation, outcome) => void outcomes.push(outcome),
    }
    const common = { store, clock: new SystemClock(), random: new SystemRandom(), logger }
    engine = new OperationEngine({
      ...common,
      definitions: [definition],
      undoDeadlineMs: 1_000,
      graceMs: 50,
      onEnded: () => undefined,
      onUnrecorded: () => undefined,
    })
  }
  const submit = () =>
    engine.accept({
      kind: 'stop',
      caller: callerOf('operator'),
      commandId: newCommandId(),
      input: {},
      target: () => ENVIRONMENT,
    })
  const ended = ({ id }: Operation) => engine.wait(id, 5_000, new AbortController().signal)
  const words = () => store.activity.list().map(({ outcome }) => outcome)
  const journal = ({ id }: Operation) =>
    store.steps.list(id).map(({ direction, step: name, outcome }) => `${direction} ${name} ${outcome ?? 'open'}`)

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-engine-'))
    const clock = new SystemClock()
    db = openDatabase(join(folder, 'test.db'), { clock })
    store = createStore(db)
    ;[trail, outcomes, logger] = [[], [], new MemoryLogger()]
    db.transaction(() => {
      store.owners.put({ name: 'local' as OwnerName, note: '', isActive: true, limit: 'unlimited' })
      store.environments.insertWithinLimits(
        {
          ...ENVIRONMENT,
          owner: 'local' as OwnerName,
          image: 'minimal@1' as ImageRef,
          driver: 'fake',
          size: { cpus: 1, memoryMiB: 128, homeMiB: 16 },
          homeId: 'home-0000000000000001' as HomeId,
          labels: {},
          startup: null,
          observed: { kind: 'stopped', since: 0 },
          now: clock.now(),
        },
        { capacity: { environments: null, memoryMiB: null, homeMiB: null }, uidBase: 1, uidCount: 10 },
      )
    })
  })
  afterEach(async () => {
    await engine.stop()
    db.dispose()
    await rm(folder, { recursive: true, force: true })
  })

  it('runs the steps in order and journals each before and after', async () => {
    const operation = await ended(await run([step('one'), step('two')]))
    expect(operation).toMatchObject({ status: { kind: 'succeeded' }, step: 'two', stepIndex: 1, stepCount: 2 })
    expect(trail).toEqual(['one', 'two'])
    expect(journal(operation)).toEqual(['forward one done', 'forward two done'])
    expect(store.claims.holderOf(ENVIRONMENT.id)).toBeUndefined()
  })

  it('undoes what was done, newest first, the failed step included', async () => {
    const operation = await ended(await run([step('one'), failing('two'), step('three')]))
    expect(operation.status).toMatchObject({ kind: 'failed', failure: { message: 'Error: broken' } })
    expect(trail).toEqual(['one', 'two', 'undo two', 'undo one'])
    expect(journal(operation)).toEqual(['forward one done', 'forward two failed', 'undo two done', 'undo one done'])
    expect(outcomes).toMatchObject([{ kind: 'failed', isRolledBack: true }])
  })

  it('undoes nothing beyond what could not be undone, and says so', async () => {
    const stuck = step('two', { undo: () => Promise.reject(new Error('stuck')) })
    const operation = await ended(await run([step('one'), stuck, failing('three')]))
    expect(trail).toEqual(['one', 'two', 'three', 'undo three'])
    expect(operation.status).toMatchObject({
      kind: 'failed',
      failure: { details: { rollbackFailedAt: 'two', rollbackDetail: 'Error: stuck' } },
    })
    expect(outcomes).toMatchObject([{ kind: 'failed', isRolledBack: false }])
    expect(logger.errors()).toContain('An undo failed')
    expect(store.activity.list().at(-1)).toMatchObject({ outcome: 'failed_and_not_rolled_back' })
  })

  it('goes back to the step of the retry, as often as allowed', async () => {
    const operation = await ended(
      await run([step('one'), step('two'), failing('three')], { from: 'two', maxAttempts: 2 }),
    )
    expect(trail).toEqual([
      ...['one', 'two', 'three', 'undo three', 'undo two'],
      ...['two', 'three', 'undo three', 'undo two', 'undo one'],
    ])
    expect(operation).toMatchObject({ attempt: 2, status: { kind: 'failed' } })
  })

  it('undoes and repeats nothing behind a step that cannot be taken back', async () => {
    const final = { ...failing('final'), isForwardOnly: true, isCancellable: false }
    const operation = await ended(await run([step('one'), final, step('three')], { from: 'one', maxAttempts: 2 }))
    expect(trail).toEqual(['one', 'final'])
    expect(operation.status).toMatchObject({ kind: 'failed', failure: { message: 'Error: broken' } })
    expect(outcomes).toMatchObject([{ kind: 'failed', isRolledBack: false }])
    expect(words()).toEqual(['accepted', 'failed_and_not_rolled_back'])
  })

  it('undoes what came before a step that cannot be taken back, where that one never began', async () => {
    await ended(await run([step('one'), failing('two'), step('final', { isForwardOnly: true })]))
    expect(trail).toEqual(['one', 'two', 'undo two', 'undo one'])
    expect(words()).toEqual(['accepted', 'rolled_back', 'failed'])
  })

  it('goes on after a crash where a cancel came too late for the step, and heeds it before the next', async () => {
    const gate = Promise.withResolvers<undefined>()
    const deaf = step('deaf', { isCancellable: false, run: () => gate.promise })
    const operation = await run([step('one'), deaf, step('three')])
    await waitFor('the step', () => journal(operation).length === 2)
    db.transaction(() => store.operations.requestCancel(operation.id, 1))
    await engine.stop()
    gate.resolve(undefined)
    trail = []
    prepare([step('one'), step('deaf', { isCancellable: false }), step('three')])
    engine.start()
    expect(await ended(operation)).toMatchObject({ status: { kind: 'cancelled' } })
    expect(trail).toEqual(['deaf', 'undo deaf', 'undo one'])
    expect(words()).toEqual(['accepted', 'interrupted', 'resumed', 'rolled_back', 'cancelled'])
  })

  it('begins nothing while a child of a dead daemon lives, also where it ends meanwhile', async () => {
    const child = spawn('sleep', ['60'], { stdio: 'ignore' })
    try {
      const identity = (await identifyProcess(child.pid!))!
      const entered: string[] = []
      const writes = step('writes', {
        enter: ({ resumptions }) => void entered.push(`${resumptions}`),
        run: ({ childStarted }) => {
          childStarted(identity)
          return new Promise(() => undefined)
        },
      })
      const operation = await run([writes])
      await waitFor('the child', () => store.children.of(operation.id).length === 1)
      await engine.stop()
      prepare([writes])
      engine.start()
      await waitFor('the take-up', () => words().includes('resumed'))
      await engine.stop()
      expect(await identifyProcess(child.pid!)).toEqual(identity)
      expect(entered).toEqual(['0'])
      expect(journal(operation)).toEqual(['forward writes open'])
    } finally {
      child.kill('SIGKILL')
    }
  })

  it('ends a step at its deadline, also one that does not heed its signal', async () => {
    const deaf = step('deaf', { deadlineMs: 20, run: () => new Promise(() => undefined) })
    const operation = await ended(await run([deaf]))
    expect(operation.status).toMatchObject({ kind: 'failed', failure: { code: 'deadline_exceeded' } })
    expect(trail).toEqual(['undo deaf'])
  })

  it('keeps trying to record an outcome, and shows no one "running" meanwhile', async () => {
    const other = new Sqlite(join(folder, 'test.db'))
    other.exec(`CREATE TRIGGER full BEFORE UPDATE OF status ON operations BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
    const operation = await run([step('one')])
    const shown = await ended(operation)
    expect(shown.status).toMatchObject({ kind: 'failed', failure: { code: 'internal' } })
    const told: string[] = []
    db.onCommitted(() => told.push(engine.get(operation.id).status.kind))
    expect(logger.errors()).toContain('An outcome could not be recorded')
    expect(store.operations.find(operation.id)?.status.kind).toBe('running')
    other.exec('DROP TRIGGER full')
    other.close()
    await waitFor('the outcome', () => store.operations.find(operation.id)?.status.kind === 'succeeded')
    // Whoever hears of the commit that records it hears the truth: there is no later event.
    expect(told).toEqual(['succeeded'])
    expect(store.claims.holderOf(ENVIRONMENT.id)).toBeUndefined()
  })

  it('still undoes what it started when the journal cannot be written', async () => {
    const other = new Sqlite(join(folder, 'test.db'))
    const sabotage = step('one', {
      run: () => {
        trail.push('one')
        other.exec(`CREATE TRIGGER full BEFORE INSERT ON operation_steps BEGIN SELECT RAISE(ABORT, 'full'); END`)
        return Promise.resolve()
      },
    })
    const operation = await run([sabotage, step('two')])
    expect((await ended(operation)).status).toMatchObject({ kind: 'failed' })
    expect(trail).toEqual(['one', 'undo one'])
    other.close()
  })

  it('heeds a cancel before the next step, and undoes', async () => {
    const gate = Promise.withResolvers<undefined>()
    const slow = step('slow', {
      run: async ({ signal }) => {
        await gate.promise
        signal.throwIfAborted()
      },
    })
    const operation = await run([slow, step('two')])
    await waitFor('the step', () => engine.get(operation.id).isCancellable && journal(operation).length === 1)
    engine.cancel(operation.id, callerOf('operator'))
    gate.resolve(undefined)
    expect(await ended(operation)).toMatchObject({ status: { kind: 'cancelled' } })
    expect(trail).toEqual(['undo slow'])
  })

  it('counts as cancelled in whatever words the step gives up, and keeps how the step before it ended', async () => {
    const offended = step('offended', {
      run: ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('How dare you.')), { once: true })
        }),
    })
    const operation = await run([step('one'), offended], { from: 'one', maxAttempts: 3 })
    await waitFor('the step', () => engine.get(operation.id).step === 'offended')
    engine.cancel(operation.id, callerOf('operator'))
    expect(await ended(operation)).toMatchObject({ status: { kind: 'cancelled' } })
    expect(trail).toEqual(['one', 'undo offended', 'undo one'])
  })

  it('journals a step as done that was, also when a cancel keeps the next one from beginning', async () => {
    const gate = Promise.withResolvers<undefined>()
    const operation = await run([step('heedless', { run: () => gate.promise }), step('two')])
    await waitFor('the step', () => journal(operation).length === 1)
    engine.cancel(operation.id, callerOf('operator'))
    gate.resolve(undefined)
    expect(await ended(operation)).toMatchObject({ status: { kind: 'cancelled' } })
    expect(journal(operation)[0]).toBe('forward heedless done')
  })

  it('accepts in one durable write, and starts to work after the answer', async () => {
    let commits = 0
    const subscription = db.onCommitted(() => (commits += 1))
    await run([step('one')])
    expect(commits).toBe(1)
    expect(trail).toEqual([])
    subscription.dispose()
  })
})
