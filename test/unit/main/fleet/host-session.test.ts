import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { DaemonLink } from '../../../../src-main/fleet/daemon-link.ts'
import { HostSession } from '../../../../src-main/fleet/host-session.ts'
import { openStore, type ConsoleStore } from '../../../../src-main/store/store.ts'
import type { FleetEvent } from '../../../../src-shared/contract/app.ts'
import type { DaemonEvent } from '../../../../src-shared/contract/daemon.ts'
import { PilothouseError } from '../../../../src-shared/error.ts'
import { hostTargetSchema } from '../../../../src-shared/model/host.ts'
import { claimedActorSchema, hostIdSchema, hostNameSchema } from '../../../../src-shared/model/ids.ts'
import { ANSWERS, backupSample, environmentSample, headSample } from '../../../support/contract-samples.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const id = hostIdSchema.parse('host-0000abcd')
const CUT = new PilothouseError('host_unreachable', 'The connection to lab was lost.')
let clock: ManualClock
let store: ConsoleStore
let session: HostSession
let emitted: FleetEvent[]
/** What the next attempts come to; the last one stays. */
let outcomes: (PilothouseError | FakeLink)[]
let attempts: number
let connectTakesMs: number

/** Lets everything run that waits for nothing but its turn. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
}

function pass(ms: number): Promise<void> {
  clock.advance(ms)
  return settle()
}

/** A link that a test drives. */
class FakeLink {
  isDisposed = false
  helloAnswers = true
  /** How far the daemon's clock is ahead. */
  aheadMs = 0
  hellos = 0
  events: DaemonEvent[] = []
  end: (reason: PilothouseError) => void = () => undefined
  private wake: () => void = () => undefined

  send(event: DaemonEvent): Promise<void> {
    this.events.push(event)
    this.wake()
    return settle()
  }

  link(): DaemonLink {
    const ended = new Promise<PilothouseError>((resolve) => (this.end = resolve))
    const client = {
      hello: () => {
        this.hellos += 1
        if (!this.helloAnswers) return Promise.reject(CUT)
        return Promise.resolve({ ...ANSWERS.hello, now: clock.now() + this.aheadMs })
      },
      events: () => Promise.resolve(this.stream()),
    }
    return {
      client: client as unknown as DaemonLink['client'],
      info: ANSWERS.hello,
      clockOffsetMs: 0,
      ended,
      openConsole: () => Promise.reject(CUT),
      dispose: () => {
        this.isDisposed = true
        this.end(new PilothouseError('cancelled', 'The connection was closed.'))
      },
    }
  }

  private async *stream(): AsyncGenerator<DaemonEvent> {
    for (;;) {
      const event = this.events.shift()
      if (event === undefined) await new Promise<void>((resolve) => (this.wake = resolve))
      else yield event
    }
  }
}

beforeEach(() => {
  clock = new ManualClock()
  store = openStore(':memory:')
  emitted = []
  attempts = 0
  connectTakesMs = 0
  const name = hostNameSchema.parse('lab')
  const stored = store.hosts.add({ id, name, target: hostTargetSchema.parse({ address: 'lab' }) }, 0)
  session = new HostSession(stored, {
    clock,
    random: { hex: (bytes) => '00'.repeat(bytes), fraction: () => 1 },
    claimedActor: claimedActorSchema.parse('op@desk'),
    cache: store.cache,
    connect: async () => {
      attempts++
      if (connectTakesMs > 0) await clock.sleep(connectTakesMs)
      const outcome = outcomes.length > 1 ? outcomes.shift() : outcomes[0]
      if (outcome instanceof FakeLink) return outcome.link()
      throw outcome ?? CUT
    },
    emit: (event) => emitted.push(event),
  })
})
afterEach(() => {
  session.dispose()
  store.dispose()
})

async function connect(...planned: typeof outcomes): Promise<void> {
  outcomes = planned
  session.connect()
  await settle()
}

function snapshot(seq: number): DaemonEvent {
  return {
    type: 'snapshot',
    cursor: { epoch: 'e', seq },
    environments: [environmentSample],
    operations: [],
    backups: [backupSample],
    activityHead: headSample,
  }
}

describe("the difference of the host's clock and ours", () => {
  const offset = (): number | null => {
    const { connection } = session.host()
    return connection.kind === 'connected' ? connection.clockOffsetMs : null
  }
  const confirmed = (link: FakeLink, seq: number): Promise<void> => {
    const now = clock.now() + link.aheadMs - 2_000
    return link.send({ type: 'confirmed', cursor: { epoch: 'e', seq }, now, activityHead: headSample })
  }

  it.each([3_600_000, -3_600_000])('is measured anew when the host sets its clock by %d ms', async (byMs) => {
    const link = new FakeLink()
    await connect(link)
    await link.send(snapshot(1))
    await confirmed(link, 1)
    expect([offset(), link.hellos]).toEqual([0, 0])
    link.aheadMs = byMs
    await confirmed(link, 1)
    expect(offset()).toBe(byMs)
    expect(emitted.at(-1)).toMatchObject({ type: 'host_changed', host: { connection: { clockOffsetMs: byMs } } })
    await confirmed(link, 1)
    expect(link.hellos).toBe(1)
  })

  it('is not measured at every word of a host that is behind with its looks', async () => {
    const link = new FakeLink()
    await connect(link)
    await link.send(snapshot(1))
    const late = () => ({ type: 'confirmed', cursor: { epoch: 'e', seq: 1 }, now: clock.now() - 20_000 }) as const
    for (let word = 0; word < 3; word += 1) await link.send({ ...late(), activityHead: headSample })
    expect([offset(), link.hellos]).toEqual([0, 1])
  })

  it('is measured anew when our clock is set; what cannot be asked is asked at the next word', async () => {
    const link = new FakeLink()
    await connect(link)
    await link.send(snapshot(1))
    clock.set(-3_600_000)
    link.aheadMs = 3_600_000
    link.helloAnswers = false
    await confirmed(link, 1)
    expect(offset()).toBe(0)
    link.helloAnswers = true
    await confirmed(link, 1)
    expect(offset()).toBe(3_600_000)
  })
})

describe('coming back', () => {
  it('waits longer after each failure, up to half a minute', async () => {
    await connect(CUT)
    const waits: number[] = []
    for (let attempt = 1; attempt <= 9; attempt++) {
      const { connection } = session.host()
      expect(connection).toMatchObject({ kind: 'retrying', attempt })
      const waitMs = connection.kind === 'retrying' ? connection.nextAt - clock.now() : 0
      waits.push(waitMs)
      await pass(waitMs)
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000])
  })

  it('counts from one again after a connection that stood', async () => {
    const link = new FakeLink()
    await connect(CUT, CUT, link, CUT)
    await pass(500)
    await pass(1000)
    expect(session.host().connection.kind).toBe('connected')
    await pass(10_000)
    link.end(CUT)
    await settle()
    expect(session.host().connection).toMatchObject({ kind: 'retrying', attempt: 1 })
    expect(link.isDisposed).toBe(true)
  })

  it('does not count a connection that broke at once as a success', async () => {
    const link = new FakeLink()
    await connect(CUT, link, CUT)
    await pass(500)
    link.end(CUT)
    await settle()
    expect(session.host().connection).toMatchObject({ kind: 'retrying', attempt: 2 })
  })

  it('happens at once when somebody asks, and when the machine wakes up', async () => {
    await connect(CUT)
    await pass(500)
    session.connect()
    expect(session.host().connection).toMatchObject({ kind: 'connecting', attempt: 1 })
    await settle()
    expect(attempts).toBe(3)
    session.wake()
    await settle()
    expect(attempts).toBe(4)
  })

  it('goes on when what was taken for connected is dead after the machine slept', async () => {
    const link = new FakeLink()
    await connect(link, CUT)
    await link.send(snapshot(1))
    link.helloAnswers = false
    session.wake()
    await settle()
    expect(link.isDisposed).toBe(true)
    expect(session.host().connection).toMatchObject({ kind: 'retrying', failure: { code: 'host_unreachable' } })
    await pass(1_000)
    expect(attempts).toBe(2)
  })

  it('does not count the time that connecting took', async () => {
    const link = new FakeLink()
    await connect(CUT, link, CUT)
    connectTakesMs = 12_000
    await pass(500)
    await pass(12_000)
    link.end(CUT)
    await settle()
    expect(session.host().connection).toMatchObject({ kind: 'retrying', attempt: 2 })
  })

  it.each(['host_key_changed', 'auth_failed', 'protocol_mismatch', 'forbidden'] as const)(
    'stops at %s',
    async (code) => {
      await connect(new PilothouseError(code, 'No.'))
      expect(session.host().connection).toMatchObject({ kind: 'refused', failure: { code } })
      await pass(3_600_000)
      session.wake()
      await settle()
      expect(attempts).toBe(1)
      expect(() => session.client()).toThrow(expect.objectContaining({ code }) as Error)
    },
  )

  it('ends for good when somebody disconnects', async () => {
    await connect(CUT)
    session.disconnect()
    await pass(3_600_000)
    expect(attempts).toBe(1)
    expect(session.host().connection.kind).toBe('disconnected')
  })
})

describe('a link that falls silent', () => {
  it('is asked after 15 s, and dropped when it does not answer', async () => {
    const link = new FakeLink()
    await connect(link, CUT)
    await link.send(snapshot(1))
    await pass(14_000)
    expect(session.host().connection.kind).toBe('connected')
    link.helloAnswers = false
    await pass(1_000)
    await pass(1_000)
    expect(session.host().connection).toMatchObject({ kind: 'retrying', failure: { code: 'host_unreachable' } })
  })

  it('is dropped when it answers but reports nothing twice as long', async () => {
    const link = new FakeLink()
    await connect(link, CUT)
    await pass(15_000)
    expect(session.host().connection.kind).toBe('connected')
    await pass(15_000)
    await pass(1_000)
    expect(session.host().connection.kind).toBe('retrying')
  })

  it('stays while the host confirms its state', async () => {
    const link = new FakeLink()
    await connect(link, CUT)
    await link.send(snapshot(1))
    for (let second = 0; second < 120; second += 5) {
      await pass(5_000)
      await link.send({ type: 'confirmed', cursor: { epoch: 'e', seq: 1 }, now: 0, activityHead: headSample })
    }
    expect(session.host().connection).toMatchObject({ kind: 'connected', confirmedAt: clock.now() })
    expect(session.state().confirmedAt).toBe(clock.now())
  })
})

describe('what is known of a host', () => {
  it('ages when the link is lost, and never changes by it', async () => {
    const link = new FakeLink()
    await connect(link, CUT)
    await link.send(snapshot(1))
    const heardAt = clock.now()
    link.end(CUT)
    await pass(60_000)
    expect(session.state()).toMatchObject({
      environments: [environmentSample],
      backups: [backupSample],
      confirmedAt: heardAt,
    })
  })

  it('is not confirmed by a reset, which says only that it must be read again', async () => {
    const link = new FakeLink()
    await connect(link)
    await link.send(snapshot(1))
    const heardAt = clock.now()
    clock.advance(1_500)
    await link.send({ type: 'reset', cursor: { epoch: 'f', seq: 0 } })
    expect(session.state().confirmedAt).toBe(heardAt)
    expect(emitted.map(({ type }) => type)).not.toContain('state_confirmed')
  })

  it('is written the next time when it could not be written', async () => {
    const link = new FakeLink()
    const save = vi.spyOn(store.cache, 'save').mockImplementationOnce(() => {
      throw new Error('database is locked')
    })
    await connect(link)
    await link.send(snapshot(7))
    await pass(1_000)
    expect(save).toHaveBeenCalledOnce()
    await link.send({ type: 'confirmed', cursor: { epoch: 'e', seq: 7 }, now: 0, activityHead: headSample })
    await pass(16_000)
    await link.send({ type: 'confirmed', cursor: { epoch: 'e', seq: 7 }, now: 0, activityHead: headSample })
    await pass(1_000)
    expect(store.cache.load(id)).toMatchObject({ environments: [environmentSample], cursor: { epoch: 'e', seq: 7 } })
  })

  it('costs nothing but itself when the host was forgotten meanwhile', async () => {
    const link = new FakeLink()
    await connect(link)
    await link.send(snapshot(7))
    store.hosts.remove(id)
    expect(() => session.dispose()).not.toThrow()
  })

  it('tells and keeps how well an environment is protected, as it changes', async () => {
    const link = new FakeLink()
    await connect(link)
    await link.send(snapshot(7))
    const stale = { ...backupSample, freshness: { ...backupSample.freshness, kind: 'stale' as const } }
    await link.send({ type: 'backup_changed', cursor: { epoch: 'e', seq: 8 }, backup: stale })
    expect(emitted.at(-1)).toEqual({ type: 'backup_changed', hostId: id, backup: stale })
    expect(session.state().backups).toEqual([stale])
    session.dispose()
    expect(store.cache.load(id)).toMatchObject({ backups: [stale], cursor: { epoch: 'e', seq: 8 } })
  })

  it('is written down with the place to go on from', async () => {
    const link = new FakeLink()
    await connect(link)
    await link.send(snapshot(7))
    expect(store.cache.load(id).cursor).toBeNull()
    await pass(1_000)
    expect(store.cache.load(id)).toMatchObject({
      environments: [environmentSample],
      backups: [backupSample],
      cursor: { epoch: 'e', seq: 7 },
    })
    await link.send({
      type: 'environment_removed',
      cursor: { epoch: 'e', seq: 8 },
      environmentId: environmentSample.id,
    })
    session.dispose()
    expect(store.cache.load(id)).toMatchObject({ environments: [], backups: [], cursor: { epoch: 'e', seq: 8 } })
    expect(emitted.map(({ type }) => type)).toContain('environment_removed')
  })
})
