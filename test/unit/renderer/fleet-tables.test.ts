import { describe, expect, it } from 'vitest'
import { FleetTables } from '../../../src-renderer/stores/fleet-tables.ts'
import { rowKey } from '../../../src-renderer/lib/environment-list.ts'
import { connected, sampleEnvironment, sampleHost, sampleOperation, stateOf } from '../../support/fake-app-samples.ts'

const NOW = 1_800_000_000_000
const host = sampleHost(0, connected('admin', NOW))
const other = sampleHost(1, connected('admin', NOW))
const first = sampleEnvironment(0, NOW)
const second = sampleEnvironment(1, NOW)

function tablesWithTwo(): FleetTables {
  const tables = new FleetTables()
  const states = [stateOf(host.id, [first], NOW), stateOf(other.id, [second], NOW)]
  tables.apply({ type: 'snapshot', hosts: [host, other], states })
  return tables
}

describe('the tables of the fleet', () => {
  it('replaces everything with a snapshot', () => {
    const tables = tablesWithTwo()
    tables.apply({ type: 'snapshot', hosts: [host], states: [stateOf(host.id, [second], NOW)] })
    expect([...tables.rows.keys()]).toEqual([rowKey(host.id, second.id)])
  })

  it("replaces one host's state without touching another's", () => {
    const tables = tablesWithTwo()
    tables.apply({ type: 'state_replaced', state: stateOf(host.id, [], NOW + 1) })
    expect([...tables.rows.keys()]).toEqual([rowKey(other.id, second.id)])
    expect(tables.evidenceOf(host.id).confirmedAt).toBe(NOW + 1)
  })

  it('forgets a removed host and all that was of it', () => {
    const tables = tablesWithTwo()
    tables.apply({ type: 'host_removed', hostId: host.id })
    expect([...tables.hosts.keys()]).toEqual([other.id])
    expect(tables.rows.size).toBe(1)
    expect(tables.evidenceOf(host.id).confirmedAt).toBeNull()
  })

  it('gives a changed environment a new row and leaves the others as they are', () => {
    const tables = tablesWithTwo()
    const key = rowKey(host.id, first.id)
    const before = tables.rows.get(key)
    const untouched = tables.rows.get(rowKey(other.id, second.id))
    const environment = { ...first, generation: 9 }
    tables.apply({ type: 'environment_changed', hostId: host.id, environment, confirmedAt: NOW })
    expect(tables.rows.get(key)).not.toBe(before)
    expect(tables.rows.get(rowKey(other.id, second.id))).toBe(untouched)
  })

  it('takes the word of a change for a word of its host', () => {
    const tables = tablesWithTwo()
    const changed = { type: 'environment_changed', hostId: host.id, environment: first } as const
    tables.apply({ ...changed, confirmedAt: NOW + 3_000 })
    expect(tables.evidenceOf(host.id).confirmedAt).toBe(NOW + 3_000)
    expect(tables.evidenceOf(other.id).confirmedAt).toBe(NOW)
  })

  it("remembers a host's clock while it is away", () => {
    const tables = tablesWithTwo()
    const connection = { ...connected('admin', NOW), clockOffsetMs: 5000 } as typeof host.connection
    tables.apply({ type: 'host_changed', host: { ...host, connection } })
    tables.apply({ type: 'host_changed', host: { ...host, connection: { kind: 'disconnected', since: NOW } } })
    expect(tables.evidenceOf(host.id).clockOffsetMs).toBe(5000)
  })

  it('keeps a bounded number of ended operations, and every running one', () => {
    const tables = tablesWithTwo()
    const running = sampleOperation(0, first, { status: { kind: 'running' } })
    tables.apply({ type: 'operation_changed', hostId: host.id, operation: running })
    for (let index = 1; index < 3000; index += 1) {
      tables.apply({ type: 'operation_changed', hostId: host.id, operation: sampleOperation(index, first) })
    }
    expect(tables.operations.size).toBeLessThanOrEqual(1500)
    expect(tables.operations.has(rowKey(host.id, running.id))).toBe(true)
  })

  it('keeps the end of each host’s record, and what is not told does not take it away', () => {
    const tables = tablesWithTwo()
    const activityHead = { seq: 7, hash: 'a'.repeat(64) }
    tables.apply({ type: 'state_confirmed', hostId: host.id, confirmedAt: NOW, activityHead })
    tables.apply({ type: 'state_confirmed', hostId: host.id, confirmedAt: NOW + 1, activityHead: null })
    expect(tables.headOf(host.id)).toEqual(activityHead)
    expect(tables.headOf(other.id)).toBeUndefined()
    tables.apply({ type: 'host_removed', hostId: host.id })
    expect(tables.headOf(host.id)).toBeUndefined()
  })
})
