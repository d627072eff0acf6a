import { describe, expect, it } from 'vitest'
import { ActivityReader } from '../../../src-renderer/ui/activity/activity-reader.ts'
import type { ListActivity } from '../../../src-renderer/ui/activity/read-activity.ts'
import type { Host } from '../../../src-shared/model/host.ts'
import { FakeActivity } from '../../support/fake-app-activity.ts'
import { connected, failureWith, sampleHost } from '../../support/fake-app-samples.ts'

const NOW = 1_800_000_000_000
const A = sampleHost(0, connected('admin', NOW))
const B = sampleHost(1, connected('admin', NOW))
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function setUp(hosts: Host[] = [A]) {
  const record = new FakeActivity()
  const known = new Map(hosts.map((host) => [host.id, host]))
  const state = { isHolding: false, failing: new Set<string>(), asked: 0 }
  const list =
    (hostId: Host['id']): ListActivity =>
    (input) => {
      state.asked += 1
      if (state.failing.has(hostId)) return Promise.reject(new Error('It broke.'))
      return Promise.resolve(
        record.list(hostId, { ...input, order: input.order ?? 'newest_first', limit: input.limit ?? 100 }),
      )
    }
  const reader = new ActivityReader({
    list,
    host: (hostId) => known.get(hostId),
    headOf: (hostId) => record.head(hostId),
    offsetOf: () => 0,
    now: () => NOW,
    isHolding: () => state.isHolding,
  })
  const part = (host: Host) => reader.parts.get(host.id)!
  const seqs = (host: Host) => part(host).entries.map(({ seq }) => seq)
  return { record, reader, state, known, part, seqs }
}

describe('reading activity', () => {
  it('reads a page, then older ones, without a hole or a repeat', async () => {
    const { record, reader, seqs, part } = setUp()
    for (let seq = 1; seq <= 250; seq += 1) record.append(A.id, { at: NOW + seq })
    reader.start([A.id], {})
    await settle()
    expect([seqs(A).length, seqs(A)[0], seqs(A).at(-1)]).toEqual([100, 250, 151])
    reader.readOn()
    await settle()
    reader.readOn()
    await settle()
    expect(seqs(A)).toEqual(Array.from({ length: 250 }, (_unused, index) => 250 - index))
    expect(part(A).hasMore).toBe(false)
  })

  it('follows the host’s head past any page size, and asks nothing while it stands still', async () => {
    const { record, reader, seqs, state } = setUp()
    record.append(A.id)
    reader.start([A.id], {})
    await settle()
    for (let count = 0; count < 2300; count += 1) record.append(A.id)
    reader.takeUp()
    await settle()
    expect(seqs(A)).toEqual(Array.from({ length: 2301 }, (_unused, index) => 2301 - index))
    const { asked } = state
    reader.takeUp()
    await settle()
    expect(state.asked).toBe(asked)
  })

  it('keeps news back while someone reads, and shows it when asked', async () => {
    const { record, reader, seqs, part, state } = setUp()
    record.append(A.id)
    reader.start([A.id], {})
    await settle()
    state.isHolding = true
    record.append(A.id)
    record.append(A.id)
    reader.takeUp()
    await settle()
    expect([seqs(A), part(A).news.length]).toEqual([[1], 2])
    reader.showNews()
    expect([seqs(A), part(A).news.length]).toEqual([[3, 2, 1], 0])
  })

  it('lets one host fail alone, keeps what it had, and goes on after a retry', async () => {
    const { record, reader, seqs, part, state } = setUp([A, B])
    record.append(A.id)
    record.append(B.id)
    reader.start([A.id, B.id], {})
    await settle()
    state.failing.add(B.id)
    record.append(A.id)
    record.append(B.id)
    reader.takeUp()
    await settle()
    expect([seqs(A), seqs(B), part(B).failure?.code, part(B).readAt]).toEqual([[2, 1], [1], 'internal', NOW])
    state.failing.clear()
    reader.retry(B.id)
    await settle()
    expect([seqs(B), part(B).failure]).toEqual([[2, 1], null])
  })

  it('asks nothing of a host that is away, and goes on by itself when it is back', async () => {
    const failure = failureWith('host_unreachable', 'Nothing answered.')
    const away = { ...A, connection: { kind: 'retrying', since: NOW, attempt: 1, nextAt: NOW, failure } } as Host
    const { record, reader, seqs, state, known } = setUp([away])
    record.append(A.id)
    reader.start([A.id], {})
    await settle()
    expect(state.asked).toBe(0)
    known.set(A.id, A)
    reader.takeUp()
    await settle()
    expect(seqs(A)).toEqual([1])
  })

  it('drops answers to questions that are no longer asked', async () => {
    const { record, reader, seqs } = setUp([A, B])
    record.append(A.id, { action: 'start' })
    record.append(A.id, { action: 'stop' })
    reader.start([A.id], {})
    reader.start([A.id], { action: 'stop' })
    await settle()
    expect(seqs(A)).toEqual([2])
  })
})
