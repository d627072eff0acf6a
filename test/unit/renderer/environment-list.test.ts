import { describe, expect, it } from 'vitest'
import { listRows, rowKey, type EnvironmentRow, type ListQuery } from '../../../src-renderer/lib/environment-list.ts'
import type { HostId } from '../../../src-shared/model/ids.ts'
import { sampleEnvironment } from '../../support/fake-app-samples.ts'

const NOW = 1_800_000_000_000
const HOSTS = ['host-00000001', 'host-00000002'] as HostId[]

function rowOf(index: number): EnvironmentRow {
  const environment = sampleEnvironment(index, NOW)
  const hostId = HOSTS[index % 2] ?? ('' as HostId)
  return { key: rowKey(hostId, environment.id), hostId, environment }
}

const rows = Array.from({ length: 40 }, (_unused, index) => rowOf(index))
const lookups = {
  hostName: (hostId: HostId) => (hostId === HOSTS[0] ? 'lon-1' : 'fra-1'),
  stateWord: (row: EnvironmentRow) => row.environment.observed.kind,
  seenAt: (row: EnvironmentRow) => row.environment.observedAt,
}
const query = (change: Partial<ListQuery> = {}): ListQuery => ({
  text: '',
  hostId: null,
  order: { key: 'name', isDescending: false },
  ...change,
})
const names = (list: EnvironmentRow[]) => list.map((row) => row.environment.name)

describe('the list of environments', () => {
  it('shows everything in the order of names', () => {
    const found = names(listRows(rows, query(), lookups))
    expect(found).toHaveLength(40)
    expect(found).toEqual([...found].sort())
  })

  it('finds every word, wherever it stands', () => {
    const found = listRows(rows, query({ text: 'agent lon-1' }), lookups)
    expect(found.length).toBeGreaterThan(0)
    for (const row of found) {
      expect(row.environment.name).toContain('agent')
      expect(row.hostId).toBe(HOSTS[0])
    }
  })

  it('looks at one column when told', () => {
    const failed = listRows(rows, query({ text: 'state:failed' }), lookups)
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.every((row) => row.environment.observed.kind === 'failed')).toBe(true)
    expect(listRows(rows, query({ text: 'owner:billing' }), lookups)).toEqual([])
  })

  it('takes any other word before a colon as the key of a label', () => {
    expect(listRows(rows, query({ text: 'colour:red' }), lookups)).toEqual([])
    expect(listRows(rows, query({ text: 'constructor:' }), lookups)).toEqual([])
    const blue = listRows(rows, query({ text: 'TEAM:blue stage:prod' }), lookups)
    expect(blue.length).toBeGreaterThan(0)
    expect(blue.every((row) => row.environment.labels['team'] === 'blue')).toBe(true)
    expect(names(listRows(rows, query({ text: 'blue prod' }), lookups))).toEqual(expect.arrayContaining(names(blue)))
  })

  it('shows one host', () => {
    const found = listRows(rows, query({ hostId: HOSTS[1] ?? null }), lookups)
    expect(found).toHaveLength(20)
  })

  it('keeps equal rows in the order of their names, both ways', () => {
    const owners = (isDescending: boolean) => listRows(rows, query({ order: { key: 'owner', isDescending } }), lookups)
    for (const list of [owners(false), owners(true)]) {
      const acme = names(list.filter((row) => row.environment.owner === 'acme'))
      expect(acme).toEqual([...acme].sort())
    }
    expect(owners(true)[0]?.environment.owner).toBe('umbra')
  })

  it('puts the most recently seen first', () => {
    const [first, ...rest] = listRows(rows, query({ order: { key: 'seen', isDescending: false } }), lookups)
    expect(rest.every((row) => row.environment.observedAt <= (first?.environment.observedAt ?? 0))).toBe(true)
  })
})
