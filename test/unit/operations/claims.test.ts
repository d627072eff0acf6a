import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OperationEngine } from '../../../host-daemon/operations/engine.ts'
import type { ClaimSpec, OperationDefinition, StepContext } from '../../../host-daemon/operations/step.ts'
import { openDatabase, type Database } from '../../../host-daemon/store/database.ts'
import { createStore, type Store } from '../../../host-daemon/store/store.ts'
import { SystemClock } from '../../../host-daemon/system/clock.ts'
import { SystemRandom } from '../../../host-daemon/system/random.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import type {
  EnvironmentId,
  EnvironmentName,
  HomeId,
  ImageRef,
  OperationId,
  OwnerName,
} from '../../../src-shared/model/ids.ts'
import type { Operation, OperationKind } from '../../../src-shared/model/operation.ts'
import { callerOf, newCommandId } from '../../support/fake-driver-daemon.ts'
import { MemoryLogger } from '../../support/memory-logger.ts'
import { waitFor } from '../../support/wait-for.ts'

const ENVIRONMENT = { id: 'env-00000001' as EnvironmentId, name: 'web' as EnvironmentName }
/** The closed set has no kind that shares yet: these stand for what they claim here, not for what they are called. */
const CLAIMS = {
  reboot: { mode: 'shared', resource: 'home' },
  resize: { mode: 'shared', resource: 'repository' },
  stop: { mode: 'exclusive', resource: 'guest', isDisplacing: true },
  destroy: { mode: 'exclusive', resource: 'home', isDisplacing: true },
  start: { mode: 'exclusive', resource: 'guest', isDisplacing: false },
} as const satisfies Partial<Record<OperationKind, ClaimSpec>>
type Toy = keyof typeof CLAIMS

describe('claims', () => {
  let folder = ''
  let db: Database
  let store: Store
  let engine: OperationEngine
  /** What began and ended, in its order: each toy works until it is let go of or cancelled. */
  let trail: string[] = []
  let gates = new Map<Toy, PromiseWithResolvers<undefined>>()

  const work = async (kind: Toy, { signal }: StepContext) => {
    trail.push(`${kind} begins`)
    try {
      const cancelled = new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
      })
      await Promise.race([gateOf(kind).promise, cancelled])
    } finally {
      trail.push(`${kind} ends`)
    }
  }
  const gateOf = (kind: Toy) => {
    const gate = gates.get(kind) ?? Promise.withResolvers<undefined>()
    gates.set(kind, gate)
    return gate
  }
  const toy = (kind: Toy): OperationDefinition => ({
    kind,
    claim: CLAIMS[kind],
    steps: [
      {
        name: 'work',
        phase: null,
        deadlineMs: null,
        isCancellable: true,
        run: (context) => work(kind, context),
        undo: () => Promise.resolve(void trail.push(`${kind} is undone`)),
      },
    ],
    retry: null,
    describeFailure: (error) =>
      error instanceof PilothouseError ? error : new PilothouseError('internal', String(error)),
    settle: () => undefined,
  })
  const open = () => {
    const clock = new SystemClock()
    db = openDatabase(join(folder, 'test.db'), { clock })
    store = createStore(db)
    engine = new OperationEngine({
      ...{ store, clock, random: new SystemRandom(), logger: new MemoryLogger() },
      definitions: Object.keys(CLAIMS).map((kind) => toy(kind as Toy)),
      ...{ undoDeadlineMs: 1_000, graceMs: 50, onEnded: () => undefined, onUnrecorded: () => undefined },
    })
  }
  /** What a daemon that died leaves: nothing that ran is told of anything. */
  const restart = async () => {
    await engine.stop()
    db.dispose()
    trail = []
    gates = new Map()
    open()
    engine.start()
  }
  const submit = (kind: Toy, user = 'op') =>
    engine.accept({
      ...{ kind, caller: callerOf('operator', user), commandId: newCommandId(), input: {} },
      target: () => ENVIRONMENT,
    })
  const refusal = async (kind: Toy): Promise<PilothouseError> => {
    try {
      await submit(kind)
    } catch (error) {
      if (error instanceof PilothouseError) return error
      throw error
    }
    throw new Error(`${kind} was accepted`)
  }
  const submitOrBeRefused = (kind: Toy) =>
    submit(kind).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'operation_in_flight' })
      return undefined
    })
  const begun = (kind: Toy) => waitFor(`${kind} to begin`, () => trail.includes(`${kind} begins`))
  const ended = ({ id }: Operation) => engine.wait(id, 5_000, new AbortController().signal)
  const finish = async (kind: Toy, operation: Operation) => {
    gateOf(kind).resolve(undefined)
    return ended(operation)
  }
  const openExclusives = () =>
    db.get<{ count: number }>("SELECT COUNT(*) AS count FROM claims WHERE mode = 'exclusive' AND released_at IS NULL")
      ?.count

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-claims-'))
    ;[trail, gates] = [[], new Map()]
    open()
    db.transaction(() => {
      store.owners.put({ name: 'local' as OwnerName, note: '', isActive: true, limit: 'unlimited' })
      store.environments.insertWithinLimits(
        {
          ...ENVIRONMENT,
          ...{ owner: 'local' as OwnerName, image: 'minimal@1' as ImageRef, driver: 'fake' },
          ...{ size: { cpus: 1, memoryMiB: 128, homeMiB: 16 }, homeId: 'home-0000000000000001' as HomeId },
          ...{ labels: {}, startup: null, observed: { kind: 'stopped', since: 0 }, now: Date.now() },
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

  it('that are shared run beside each other, and are nobody the environment names', async () => {
    const [home, repository] = await Promise.all([submit('reboot'), submit('resize')])
    await Promise.all([begun('reboot'), begun('resize')])
    expect(store.environments.find(ENVIRONMENT.id)?.operationId).toBeNull()
    expect(store.claims.sharersOf(ENVIRONMENT.id).sort()).toEqual([home.id, repository.id].sort())
    await finish('reboot', home)
    expect(store.claims.sharersOf(ENVIRONMENT.id)).toEqual([repository.id])
    expect(await finish('resize', repository)).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('that are shared are refused while an exclusive one is in flight, which is named', async () => {
    const stopping = await submit('stop', 'alice')
    await begun('stop')
    const { code, message, details } = await refusal('reboot')
    expect(code).toBe('operation_in_flight')
    expect(message).toMatch(/^alice is running stop on web: step work, for \d+ s\.$/)
    expect(details).toMatchObject({ operationId: stopping.id, kind: 'stop', user: 'alice', step: 'work' })
    expect(store.operations.list({ limit: 10 })).toHaveLength(1)
    await finish('stop', stopping)
    await finish('reboot', await submit('reboot'))
  })

  it('that displace cancel the shared ones, say so, and begin only when those have ended', async () => {
    const [home, repository] = await Promise.all([submit('reboot'), submit('resize')])
    await Promise.all([begun('reboot'), begun('resize')])
    const stopping = await submit('stop', 'alice')
    expect(store.operations.find(home.id)?.isCancelRequested).toBe(true)
    await begun('stop')
    for (const sharer of [home, repository])
      expect(await ended(sharer)).toMatchObject({ status: { kind: 'cancelled' } })
    const order = ['reboot ends', 'reboot is undone', 'resize ends', 'resize is undone'].map((at) => trail.indexOf(at))
    expect(order.every((at) => at >= 0 && at < trail.indexOf('stop begins'))).toBe(true)
    await finish('stop', stopping)
    const said = store.activity.list().filter(({ action }) => action === 'give_way')
    expect(said.map(({ operationId }) => operationId).sort()).toEqual([home.id, repository.id].sort())
    for (const { actor, detail } of said) {
      expect({ user: actor?.user, detail }).toEqual({ user: 'alice', detail: { gaveWayTo: stopping.id, kind: 'stop' } })
    }
  })

  it('that displace what is asked for in the same turn cancel it and wait for it, too', async () => {
    const [sharer, stopping] = await Promise.all([submit('reboot'), submit('stop')])
    await begun('stop')
    expect(engine.get(sharer.id).status.kind).toBe('cancelled')
    expect(await finish('stop', stopping)).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await ended(sharer)).toMatchObject({ isCancellable: false })
  })

  it('that do not displace run beside what shares', async () => {
    const sharer = await submit('reboot')
    await begun('reboot')
    const starting = await submit('start')
    await begun('start')
    await finish('start', starting)
    expect(await finish('reboot', sharer)).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('keep their order across a crash between displacing and beginning', async () => {
    const sharer = await submit('reboot')
    await begun('reboot')
    const stopping = await submit('stop')
    // Nothing has been done yet but the acceptance: the next daemon finds the shared one cancelled and both running.
    expect(trail).toEqual(['reboot begins'])
    await restart()
    await begun('stop')
    expect(trail).toEqual(['reboot is undone', 'stop begins'])
    expect(engine.get(sharer.id).status.kind).toBe('cancelled')
    expect(await finish('stop', stopping)).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('that are exclusive are taken up again by whoever held them, and by nobody else', async () => {
    const stopping = await submit('stop')
    await begun('stop')
    await restart()
    expect(store.claims.holderOf(ENVIRONMENT.id)).toBe(stopping.id)
    expect((await refusal('destroy')).code).toBe('operation_in_flight')
    await finish('stop', stopping)
    expect(store.claims.holderOf(ENVIRONMENT.id)).toBeUndefined()
  })

  it('that are exclusive are never two, whoever writes them', async () => {
    const claim = (operationId: string, resource: 'guest' | 'home') => ({
      ...{ operationId: operationId as OperationId, environmentId: ENVIRONMENT.id, resource, claimedAt: 1 },
    })
    const { id } = await submit('stop')
    const insert = `
      INSERT INTO claims (operation_id, environment_id, resource, mode, claimed_at)
      VALUES (@operationId, @environmentId, @resource, 'exclusive', @claimedAt)`
    expect(() => db.run(insert, claim('op-00000000000000aa', 'home'))).toThrow(/UNIQUE/)
    expect(store.claims.takeExclusive(claim('op-00000000000000ab', 'home'))).toBe(id)
    expect(openExclusives()).toBe(1)
  })

  it('never leave two exclusive ones open, whatever is asked in whatever order', async () => {
    const kinds = Object.keys(CLAIMS) as Toy[]
    const deeds = fc.array(fc.constantFrom(...kinds, 'pause' as const), { minLength: 3, maxLength: 25 })
    const property = fc.asyncProperty(deeds, async (sequence) => {
      const asked: Promise<Operation | undefined>[] = []
      for (const deed of sequence) {
        if (deed === 'pause') await new Promise((resolve) => setImmediate(resolve))
        else asked.push(submitOrBeRefused(deed))
        expect(openExclusives()).toBeLessThanOrEqual(1)
      }
      const accepted = (await Promise.all(asked)).filter((operation) => operation !== undefined)
      expect(openExclusives()).toBeLessThanOrEqual(1)
      for (const kind of kinds) gateOf(kind).resolve(undefined)
      await Promise.all(accepted.map(ended))
      gates = new Map()
      expect(db.get<{ count: number }>('SELECT COUNT(*) AS count FROM claims WHERE released_at IS NULL')?.count).toBe(0)
    })
    await fc.assert(property, { numRuns: 40, endOnFailure: true })
  })
})
