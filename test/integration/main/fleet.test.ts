import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FleetEvent } from '../../../src-shared/contract/app.ts'
import { ConsoleBench, context } from '../../support/console-bench.ts'
import { environmentSample } from '../../support/contract-samples.ts'
import { waitFor } from '../../support/wait-for.ts'

let bench: ConsoleBench

beforeEach(async () => {
  bench = await ConsoleBench.start()
})
afterEach(() => bench.dispose())

describe('a host of the fleet', () => {
  it('is connected, followed and shown with its age', async () => {
    const id = await bench.connectedHost()
    await waitFor('the state', () => bench.stateOf(id).environments.length > 0)
    const state = bench.stateOf(id)
    expect(state.environments).toEqual([environmentSample])
    expect(Date.now() - (state.confirmedAt ?? 0)).toBeLessThan(5_000)
    const before = state.confirmedAt ?? 0
    await waitFor('a later confirmation', () => (bench.stateOf(id).confirmedAt ?? 0) > before)
    const connected = await bench.reached(id, 'connected')
    expect(connected.confirmedAt).toBeGreaterThan(before)
  })

  it('resumes where it was after three cuts, nothing twice and nothing lost', async () => {
    const id = await bench.connectedHost()
    const names: string[] = []
    // What happens before the first subscription is part of its snapshot.
    await waitFor('the state', () => bench.stateOf(id).environments.length > 0)
    void collect(names)
    for (let round = 0; round < 3; round++) {
      await bench.reached(id, 'connected')
      bench.emitNamed(`before-${round}`)
      await waitFor('the event', () => names.includes(`before-${round}`))
      expect(await bench.sshd.cut()).toBeGreaterThan(0)
      bench.emitNamed(`during-${round}`)
      await waitFor('the missed event', () => names.includes(`during-${round}`))
    }
    expect(names).toEqual(['before-0', 'during-0', 'before-1', 'during-1', 'before-2', 'during-2'])
    expect(bench.daemon.subscriptions[0]).toBeNull()
    expect(bench.daemon.subscriptions.slice(1).every((since) => since !== null)).toBe(true)
  })

  it('reads the state again after a reset, and keeps it meanwhile', async () => {
    const id = await bench.connectedHost()
    await waitFor('the state', () => bench.stateOf(id).environments.length > 0)
    const events: FleetEvent[] = []
    void collectAll(events)
    bench.daemon.newEpoch('epoch-2')
    await bench.sshd.cut()
    await waitFor('a replaced state', () => events.some(({ type }) => type === 'state_replaced'))
    expect(bench.daemon.subscriptions.slice(-2)).toEqual([{ epoch: 'epoch-1', seq: 0 }, null])
    expect(bench.stateOf(id).environments).toHaveLength(1)
  })

  it('shows the last known state, aged, while the host is unreachable and after a restart', async () => {
    const id = await bench.connectedHost()
    await waitFor('the state', () => bench.stateOf(id).environments.length > 0)
    await bench.sshd.goDark()
    const retrying = await bench.reached(id, 'retrying')
    expect(retrying.failure.code).toBe('host_unreachable')
    expect(bench.stateOf(id).environments).toEqual([environmentSample])
    const confirmedAt = bench.stateOf(id).confirmedAt
    bench.restartCore()
    expect(bench.stateOf(id)).toMatchObject({ environments: [environmentSample], confirmedAt })
    await bench.sshd.launch()
    bench.core.fleet.start()
    await bench.reached(id, 'connected')
    await waitFor('a subscription', () => bench.daemon.subscriptions.length > 1)
    expect(bench.daemon.subscriptions.at(-1)).toEqual({ epoch: 'epoch-1', seq: 0 })
  })

  it('is tried at once on demand', async () => {
    const id = await bench.connectedHost()
    await bench.sshd.goDark()
    await waitFor('a long wait', () => {
      const found = bench.connectionOf(id)
      return found.kind === 'retrying' && found.nextAt - found.since > 2_000
    })
    await bench.sshd.launch()
    const answered = await bench.client().hosts.connect({ hostId: id }, { context })
    expect(answered.connection.kind).toBe('connecting')
    await bench.reached(id, 'connected', 1_900)
  })

  it('is noticed within 20 s when it stops answering', async () => {
    const id = await bench.connectedHost()
    const frozen = await bench.sshd.freeze()
    try {
      const frozenAt = Date.now()
      await waitFor('the loss to be noticed', () => bench.connectionOf(id).kind !== 'connected', 25_000)
      expect(Date.now() - frozenAt).toBeLessThan(20_000)
    } finally {
      for (const pid of frozen) process.kill(pid, 'SIGKILL')
    }
    await bench.reached(id, 'connected')
  })

  it('waits for its key to be accepted, and takes only that key', async () => {
    await rm(join(bench.sshd.folder, 'home', '.ssh', 'known_hosts'))
    const { id } = await bench.addHost()
    const { key } = await bench.reached(id, 'awaiting_trust')
    expect(key.fingerprint).toBe(await bench.sshd.fingerprint())
    const wrong = bench.client().hosts.acceptKey({ hostId: id, fingerprint: 'SHA256:else' }, { context })
    await expect(wrong).rejects.toMatchObject({ code: 'host_key_changed' })
    const right = await bench.client().hosts.acceptKey({ hostId: id, fingerprint: key.fingerprint }, { context })
    expect(right.pinnedKey).toEqual(key)
    await bench.reached(id, 'connected')
  })

  it('stops for good when its key changes', async () => {
    await rm(join(bench.sshd.folder, 'home', '.ssh', 'known_hosts'))
    const { id } = await bench.addHost()
    const { key } = await bench.reached(id, 'awaiting_trust')
    bench.core.store.hosts.pin(id, { ...key, fingerprint: `SHA256:${'B'.repeat(43)}` })
    bench.restartCore()
    bench.core.fleet.start()
    const refused = await bench.reached(id, 'refused')
    expect(refused).toMatchObject({ failure: { code: 'host_key_changed', retryable: false }, key })
    const again = bench.client().hosts.acceptKey({ hostId: id, fingerprint: key.fingerprint }, { context })
    await expect(again).rejects.toMatchObject({ code: 'invalid_request' })
  })

  it('holds up no other host', async () => {
    const lost = await bench
      .client()
      .hosts.add({ name: 'lost', target: bench.sshd.target({ address: '192.0.2.1' }) }, { context })
    const id = await bench.connectedHost()
    expect(bench.connectionOf(id).kind).toBe('connected')
    expect(['connecting', 'retrying']).toContain(bench.connectionOf(lost.id).kind)
  })

  it('is forgotten whole', async () => {
    const id = await bench.connectedHost()
    await bench.client().hosts.remove({ hostId: id }, { context })
    await waitFor('the connection to end', async () => (await bench.sshd.connections()).length === 0)
    bench.restartCore()
    expect(bench.core.fleet.list()).toEqual([])
  })
})

async function collectAll(events: FleetEvent[]): Promise<void> {
  for await (const event of bench.core.fleet.watch()) events.push(event)
}

async function collect(names: string[]): Promise<void> {
  for await (const event of bench.core.fleet.watch()) {
    if (event.type === 'environment_changed') names.push(event.environment.name)
  }
}
