import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Operation } from '../../src-shared/model/operation.ts'
import { newCommandId, type FakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import { filesIn, putFiles, readStore, UNSCHEDULED } from '../support/made-points.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { environmentCalls, startWithPoint } from '../support/restore-calls.ts'
import { waitFor } from '../support/wait-for.ts'

const THEN = { 'notes.txt': 'as it was' }
const MIDDLE = { 'notes.txt': 'as it was in between' }
const NOW = { 'notes.txt': 'as it is now', 'work/b': 'second' }
const MANY = 200
const DAY_MS = 24 * 60 * 60_000

describe('undo', () => {
  let host: FakeDriverDaemon
  let clock: ManualClock
  const { admin, ended, get, command, codeOf, contentNow, outcomes } = environmentCalls(() => host)
  const plan = () => admin().undo.plan({ environment: 'web' })
  const run = (ticket: string | undefined, more: object = {}) =>
    admin().undo.run({ ...command(), ...(ticket === undefined ? {} : { ticket }), ...more })
  const undo = async () => ended(await run((await plan()).ticket.id))
  const restore = async () => {
    const { ticket } = await admin().restore.plan({ environment: 'web', point: 'latest' })
    return ended(await admin().restore.run({ ...command(), ticket: ticket.id, confirmName: 'web' }))
  }
  const kept = () => readStore(host, (store) => store.keptHomes.allForUndo())

  beforeEach(async () => {
    clock = new ManualClock()
    host = await startWithPoint({ then: THEN, now: NOW }, { clock, options: { recovery: UNSCHEDULED } })
  })
  afterEach(async () => {
    expect(host.machine.mostGuestsPerHome).toBeLessThanOrEqual(1)
    await host.remove()
  })

  it('brings back exactly the home that was replaced, and keeps the restored one until the same deadline', async () => {
    const before = await get()
    await restore()
    const restored = await get()
    const [first] = kept()
    expect(first).toMatchObject({ homeId: before.home.id, until: clock.now() + UNSCHEDULED.undoMs })
    clock.advance(60_000)
    const { plan: planned, ticket } = await plan()
    expect(planned).toMatchObject({ kind: 'undo_restore', needsName: false, undoUntil: first?.until, homeBytes: 4096 })
    expect(planned.replacedAt).toBe(first?.keptAt)
    expect(planned.text).toContain(`brings back the home ${before.home.id}`)
    expect(planned.text).toContain(`Its present home ${restored.home.id} is kept until`)
    const operation = await ended(await run(ticket.id))
    expect(operation).toMatchObject({
      status: { kind: 'succeeded' },
      result: { kind: 'undo_restore', homeId: before.home.id, undo: { homeId: restored.home.id, until: first?.until } },
    })
    const steps = await admin().operations.steps({ id: operation.id })
    expect(steps.map(({ step }) => step)).toEqual([
      ...['check_home', 'await_turn', 'stop_guest', 'swap_home', 'start_guest', 'await_ready', 'commit'],
    ])
    expect(await get()).toMatchObject({ home: before.home, observed: { kind: 'running' }, generation: 3 })
    expect(await contentNow()).toEqual(NOW)
    expect(filesIn(host, restored.home.id)).toEqual(THEN)
    expect(kept()).toMatchObject([{ homeId: restored.home.id, until: first?.until }])
    expect(outcomes('undo_restore')).toEqual(['accepted', 'swapped_home', 'succeeded'])
  })

  it('can be undone in turn until then', async () => {
    await restore()
    await undo()
    expect(await undo()).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await contentNow()).toEqual(THEN)
    expect(host.machine.homes.ids()).toHaveLength(2)
  })

  it('leaves everything where it was when it fails', async () => {
    const before = await get()
    await restore()
    const restored = await get()
    const [first] = kept()
    const { ticket } = await plan()
    host.driver.failNext('ready', new Error('no'))
    expect(await ended(await run(ticket.id))).toMatchObject({ status: { kind: 'failed' }, result: null })
    expect(await get()).toMatchObject({ home: restored.home, observed: { kind: 'running', agent: 'answering' } })
    expect(kept()).toEqual([first])
    expect(filesIn(host, before.home.id)).toEqual(NOW)
    expect(await undo()).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await contentNow()).toEqual(NOW)
  })

  it('stays stopped when it fails for an environment that was stopped', async () => {
    await restore()
    await ended(await admin().environments.stop(command()))
    const before = await get()
    const { ticket } = await plan()
    host.driver.failNext('startGuest', new Error('no'))
    expect(await ended(await run(ticket.id))).toMatchObject({ status: { kind: 'failed' } })
    expect(await get()).toMatchObject({ home: before.home, desired: 'stopped', observed: before.observed })
  })

  it('brings a home back that is as large as the environment has become', async () => {
    await restore()
    await ended(await admin().environments.stop(command()))
    await ended(await admin().environments.resize({ ...command(), size: { homeMiB: 2048 } }))
    expect(await undo()).toMatchObject({ status: { kind: 'succeeded' } })
    const { home } = await get()
    expect(host.machine.homes.get(home.id)).toMatchObject({ sizeMiB: 2048, files: NOW })
  })

  it('has nothing to bring back before a restore, after the deadline, and where the kept home is gone', async () => {
    expect(await codeOf(plan())).toBe('nothing_to_undo')
    await restore()
    const { ticket } = await plan()
    const [first] = kept()
    host.machine.homes.delete(first?.homeId ?? '')
    expect(await codeOf(plan())).toBe('nothing_to_undo')
    expect(await codeOf(run(ticket.id))).toBe('nothing_to_undo')
    expect((await get()).generation).toBe(2)
  })

  it('runs once, however many submit the ticket at the same time, and says why the others are refused', async () => {
    await restore()
    const { ticket } = await plan()
    const commandId = newCommandId()
    const first = run(ticket.id, { commandId })
    const codes = await Promise.all(Array.from({ length: MANY }, () => codeOf(run(ticket.id))))
    expect([...new Set(codes)].filter((code) => code !== 'ticket_used' && code !== 'operation_in_flight')).toEqual([])
    expect(await ended(await first)).toMatchObject({ status: { kind: 'succeeded' } })
    expect((await run(ticket.id, { commandId })).id).toBe((await first).id)
    expect(await codeOf(run(ticket.id))).toBe('ticket_used')
    expect(await codeOf(run(undefined))).toBe('ticket_required')
    const { ticket: next } = await plan()
    expect(await codeOf(admin('eve').undo.run({ ...command(), ticket: next.id }))).toBe('ticket_foreign')
    clock.advance(5 * 60_000)
    expect(await codeOf(run(next.id))).toBe('ticket_expired')
    const refused = outcomes('undo_restore').filter((outcome) => outcome === 'refused')
    expect(refused).toHaveLength(MANY + 4)
  })

  it('is outdated by whatever was done since', async () => {
    await restore()
    const { ticket } = await plan()
    await restore()
    expect(await codeOf(run(ticket.id))).toBe('plan_outdated')
  })

  it('is dropped by a second restore, which says so before', async () => {
    const { home: oldest } = await get()
    await restore()
    const { home: middle } = await get()
    const { plan: second, ticket } = await admin().restore.plan({ environment: 'web', point: 'latest' })
    expect(second.dropsUndo).toBe(true)
    expect(second.losses.join('\n')).toContain(`The home ${oldest.id}, which is kept for an earlier undo`)
    const operation = await ended(await admin().restore.run({ ...command(), ticket: ticket.id, confirmName: 'web' }))
    expect(operation).toMatchObject({ status: { kind: 'succeeded' }, result: { undo: { homeId: middle.id } } })
    expect(host.machine.homes.get(oldest.id)).toBeUndefined()
    expect(host.machine.homes.ids()).toHaveLength(2)
    expect(kept()).toMatchObject([{ homeId: middle.id }])
    expect(outcomes('restore').slice(-3)).toEqual(['swapped_home', 'dropped_undo', 'succeeded'])
  })

  it('is offered again when the second restore fails, as it was', async () => {
    await restore()
    const before = kept()
    clock.advance(1_000)
    host.driver.failNext('ready', new Error('no'))
    expect(await restore()).toMatchObject({ status: { kind: 'failed' } })
    expect(kept()).toEqual(before)
    expect(await undo()).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await contentNow()).toEqual(NOW)
  })

  it('stays on the restored home where the older one cannot be removed, and says so', async () => {
    await restore()
    await putFiles(host, 'web', MIDDLE)
    host.driver.failNext('destroyHome', new Error('The disk does not answer.'))
    const operation = await restore()
    expect(operation).toMatchObject({ status: { kind: 'failed' }, result: { kind: 'restore' } })
    expect(await get()).toMatchObject({ observed: { kind: 'running' }, operationId: null })
    expect(kept()).toHaveLength(1)
    expect(outcomes('restore').at(-1)).toBe('failed_and_not_rolled_back')
    expect(host.machine.homes.ids()).toHaveLength(3)
    const [offered] = kept()
    await waitFor('the older one to be removed by the daemon itself', () => {
      clock.advance(60_000)
      return outcomes('drop_undo').includes('succeeded')
    })
    expect(host.machine.homes.ids()).toHaveLength(2)
    expect(kept()).toEqual([offered])
    expect(await undo()).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await contentNow()).toEqual(MIDDLE)
  })

  it('has the older one tried again no later where the clock was set back meanwhile', async () => {
    await restore()
    host.driver.failNext('destroyHome', new Error('The disk does not answer.'))
    host.driver.failNext('destroyHome', new Error('Nor does it now.'))
    await restore()
    await waitFor('the first attempt by the daemon itself', () => {
      clock.advance(UNSCHEDULED.tickMs)
      return outcomes('drop_undo').includes('failed_and_not_rolled_back')
    })
    clock.set(-DAY_MS)
    // However long this waits, it is no day.
    await waitFor('the next one', () => {
      clock.advance(UNSCHEDULED.tickMs)
      return outcomes('drop_undo').includes('succeeded')
    })
    expect(host.machine.homes.ids()).toHaveLength(2)
  })

  it('outlives a reset, whose plan says so, and a destroy, whose plan says that it does not', async () => {
    const { home: old } = await get()
    await restore()
    const [first] = kept()
    const time = (ms: number) => new Date(ms).toISOString().replace('.000', '')
    const stays = `The home ${old.id}, which was replaced at ${time(first!.keptAt)}, is kept for an undo until ${time(first!.until!)} and stays so.`
    const { plan: reset, ticket } = await admin().environments.reset.plan({ environment: 'web' })
    expect(reset.keeps[0]).toBe(
      `${stays} An undo until then brings it back in place of the new one. It takes 4 KiB on disk.`,
    )
    expect(reset.text).toContain(reset.keeps[0])
    await ended(await admin().environments.reset.run({ ...command(), ticket: ticket.id, confirmName: 'web' }))
    expect(await contentNow()).toEqual({})
    const { plan: destroy } = await admin().environments.destroy.plan({ environment: 'web' })
    expect(destroy.losses).toContainEqual(
      `The home ${old.id}, which was replaced at ${time(first!.keptAt)} and is kept for an undo until ${time(first!.until!)}, is removed with everything in it. It takes 4 KiB on disk.`,
    )
    expect(await undo()).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await contentNow()).toEqual(NOW)
  })

  it('is not set aside for review while it runs behind its deadline', async () => {
    const { home: old } = await get()
    await restore()
    clock.advance(UNSCHEDULED.undoMs - 1_000)
    const { ticket } = await plan()
    const release = host.driver.hold('ready')
    const operation = await run(ticket.id)
    await waitFor('the start', async () => (await admin().operations.get({ id: operation.id })).step === 'await_ready')
    clock.advance(UNSCHEDULED.tickMs + 1_000)
    await new Promise(setImmediate)
    expect(kept()).toHaveLength(1)
    release()
    expect(await ended(operation)).toMatchObject({ status: { kind: 'succeeded' } })
    await waitFor('the removal', () => {
      clock.advance(60_000)
      return kept().length === 0
    })
    expect(host.machine.homes.ids()).toEqual([old.id])
  })

  describe('after its deadline', () => {
    const expire = () => clock.advance(UNSCHEDULED.undoMs)
    const dropped = () => waitFor('the removal', () => kept().length === 0)
    const drops = () => admin().operations.list({ limit: 100 })

    it('is over: the home is removed and its space is free', async () => {
      const { home: old } = await get()
      await restore()
      expire()
      expect(await codeOf(plan())).toBe('nothing_to_undo')
      await dropped()
      expect(host.machine.homes.get(old.id)).toBeUndefined()
      const drop = (await drops()).find(({ kind }) => kind === 'drop_undo')
      expect(drop).toMatchObject({ actor: { user: 'pilothoused' } })
      expect(await ended(drop as Operation)).toMatchObject({
        status: { kind: 'succeeded' },
        result: { kind: 'drop_undo', homeId: old.id, freedBytes: 4096 },
      })
      expect(outcomes('drop_undo')).toEqual(['accepted', 'dropped_undo', 'succeeded'])
      expect(await get()).toMatchObject({ generation: 2, observed: { kind: 'running' } })
    })

    it('waits for the operation that is in flight', async () => {
      await restore()
      const release = host.driver.hold('stopGuest')
      const stopping = await admin().environments.stop(command())
      expire()
      clock.advance(UNSCHEDULED.tickMs)
      await new Promise(setImmediate)
      expect(kept()).toHaveLength(1)
      release()
      await ended(stopping)
      await waitFor('the removal', () => {
        clock.advance(UNSCHEDULED.tickMs)
        return kept().length === 0
      })
    })

    it('is tried again where the home could not be removed', async () => {
      await restore()
      host.driver.failNext('destroyHome', new Error('no'))
      expire()
      await waitFor('the first attempt', async () => (await drops()).some(({ kind }) => kind === 'drop_undo'))
      await waitFor('the removal', () => {
        clock.advance(60_000)
        return kept().length === 0
      })
      expect(outcomes('drop_undo')).toContain('failed_and_not_rolled_back')
    })

    it('is not over for good where the clock was set forward: the home is there once it is set right', async () => {
      const { home: old } = await get()
      await restore()
      clock.set(UNSCHEDULED.undoMs)
      await waitFor('the news', () => {
        clock.advance(UNSCHEDULED.tickMs)
        return outcomes('undo.held_back').length > 0
      })
      clock.advance(UNSCHEDULED.tickMs)
      expect(await codeOf(plan())).toBe('nothing_to_undo')
      expect(outcomes('undo.held_back')).toEqual(['noticed'])
      clock.set(-UNSCHEDULED.undoMs)
      expect(await undo()).toMatchObject({ status: { kind: 'succeeded' } })
      expect((await get()).home.id).toBe(old.id)
      expect(await contentNow()).toEqual(NOW)
    })

    it('that no daemon has seen to pass comes an hour after the next one has begun', async () => {
      await restore()
      clock.set(UNSCHEDULED.undoMs)
      host = await host.restart()
      await waitFor('the removal', () => {
        clock.advance(60_000)
        return kept().length === 0
      })
      const firstOf = (action: string) => host.activity().find((entry) => entry.action === action)
      expect(firstOf('drop_undo')!.at - firstOf('undo.held_back')!.at).toBeGreaterThanOrEqual(60 * 60_000)
      expect(outcomes('undo.held_back')).toEqual(['noticed'])
    })

    it('never removes what is kept for review', async () => {
      const { ticket } = await admin().restore.plan({ environment: 'web', point: 'latest' })
      host.driver.failNext('ready', new Error('no'))
      host.driver.failNext('ready', new Error('no'))
      await ended(await admin().restore.run({ ...command(), ticket: ticket.id, confirmName: 'web' }))
      expire()
      clock.advance(UNSCHEDULED.tickMs)
      await new Promise(setImmediate)
      expect(host.machine.homes.ids()).toHaveLength(2)
      expect((await drops()).filter(({ kind }) => kind === 'drop_undo')).toEqual([])
    })
  })
})
