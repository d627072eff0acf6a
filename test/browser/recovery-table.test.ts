import { describe, expect, it } from 'vitest'
import { userEvent } from 'vitest/browser'
import type { HostId } from '../../src-shared/model/ids.ts'
import { FakeApp } from '../support/fake-app.ts'
import { sampleFleet } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const LON = 'host-00000001' as HostId
const MANY = 10_000
/** A window's height of rows, and those that wait beyond its ends. */
const MOST_MOUNTED = 60
/** A whole number, so that a record may hold it, and a time that no calendar has. */
const NEVER = Number.MAX_SAFE_INTEGER

const all = (testId: string) => [...document.querySelectorAll<HTMLElement>(`[data-testid="${testId}"]`)]
const rowNamed = (name: string) =>
  document.querySelector<HTMLElement>(`[data-testid=recovery-row][data-name="${name}"]`)
const places = () => all('recovery-row').map((row) => Number(row.getAttribute('aria-rowindex')))
const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve))
const idOf = (fake: FakeApp, name: string): string => fake.environment(LON, name)?.id ?? ''

/** The places of the rows that can be seen whole, in order. */
function placesInSight(): number[] {
  const box = element('recovery-table').getBoundingClientRect()
  const inSight = all('recovery-row').filter((row) => {
    const { top, bottom } = row.getBoundingClientRect()
    return top >= box.top - 1 && bottom <= box.bottom + 1
  })
  return inSight.map((row) => Number(row.getAttribute('aria-rowindex'))).sort((a, b) => a - b)
}

describe('a row whose record cannot be shown', () => {
  it('says so in its place while all others stay, and is drawn once its record is another', async () => {
    const fake = new FakeApp(sampleFleet(8))
    const { lastVerifiedAt } = fake.backups.change(LON, idOf(fake, 'billing-worker'), {})
    fake.backups.change(LON, idOf(fake, 'billing-worker'), { lastVerifiedAt: NEVER })
    await mountPilothouse(fake, '/recovery')
    await says('recovery-broken', /billing-worker.*Unavailable: its record cannot be shown\. Invalid time value/)
    expect(all('recovery-broken')).toHaveLength(1)
    expect(all('recovery-row')).toHaveLength(7)
    expect(rowNamed('billing-worker')).toBeNull()
    await says('recovery-count', '8 environments')

    fake.backups.change(LON, idOf(fake, 'billing-worker'), { lastVerifiedAt })
    await until(() => rowNamed('billing-worker') !== null, 'the row again')
    expect(all('recovery-broken')).toHaveLength(0)
    expect(all('recovery-row')).toHaveLength(8)
  })

  it('breaks neither the list nor the page when it comes while the list is looked at', async () => {
    const fake = new FakeApp(sampleFleet(8))
    await mountPilothouse(fake, '/recovery')
    await until(() => all('recovery-row').length === 8, 'the rows')
    const before = all('recovery-row').map((row) => row.dataset['name'])
    fake.backups.change(LON, idOf(fake, 'scratch-pad'), { lastVerifiedAt: NEVER })
    await says('recovery-broken', 'scratch-pad')
    const others = before.filter((name) => name !== 'scratch-pad')
    expect(all('recovery-row').map((row) => row.dataset['name'])).toEqual(others)

    fake.backups.change(LON, idOf(fake, 'billing-worker'), { latest: null, pointCount: 0 })
    await until(() => rowNamed('billing-worker')?.dataset['kind'] === 'missing', 'the others still follow')
    element('recovery-table').focus()
    await userEvent.keyboard('{End}{Home}')
    await until(() => document.querySelector('[data-testid=recovery-row][aria-selected=true]') !== null, 'a selection')
  })
})

describe('the heads of the list', () => {
  it('sort by what they name, the other way round at the next press, and say so', async () => {
    await mountPilothouse(new FakeApp(sampleFleet(38)), '/recovery')
    await until(() => all('recovery-row').length > 10, 'the rows')
    const head = document.querySelector<HTMLElement>('[role=columnheader].col-name')
    const firstName = () => document.querySelector<HTMLElement>('[data-testid=recovery-row]')?.dataset['name'] ?? ''
    expect(head?.getAttribute('aria-sort')).toBe('none')
    head?.querySelector('button')?.click()
    await until(() => head?.getAttribute('aria-sort') === 'ascending', 'ascending')
    const least = firstName()
    head?.querySelector('button')?.click()
    await until(() => head?.getAttribute('aria-sort') === 'descending', 'descending')
    expect(firstName() > least).toBe(true)
    expect(document.querySelectorAll('[role=columnheader][aria-sort=descending]')).toHaveLength(1)
    expect(document.querySelector('[role=columnheader].col-state')?.hasAttribute('aria-sort')).toBe(false)
  })
})

describe('the recovery list of 10,000 environments', () => {
  it('mounts only what is in sight, however it is scrolled, and shows every place that is', async () => {
    await mountPilothouse(new FakeApp(sampleFleet(MANY)), '/recovery')
    await says('recovery-count', '10,000 environments')
    await until(() => all('recovery-row').length > 10, 'the rows')
    const table = element('recovery-table')
    for (const part of [0, 0.003, 0.2, 0.21, 0.5, 0.9999, 0.4, 1]) {
      table.scrollTop = part * (table.scrollHeight - table.clientHeight)
      const first = Math.ceil(table.scrollTop / 36) + 2
      await until(() => placesInSight()[0] === first, `row ${first} at the top`)
      const inSight = placesInSight()
      expect(inSight).toEqual(inSight.map((_place, index) => first + index))
      expect(inSight.length).toBeGreaterThanOrEqual(Math.floor(table.clientHeight / 36) - 1)
      expect(all('recovery-row').length).toBeLessThan(MOST_MOUNTED)
    }
    expect(Math.max(...places())).toBe(MANY + 1)
  })

  it('is moved through from end to end by keyboard', async () => {
    await mountPilothouse(new FakeApp(sampleFleet(MANY)), '/recovery')
    await until(() => all('recovery-row').length > 10, 'the rows')
    element('recovery-table').focus()
    const selected = () => document.querySelector('[data-testid=recovery-row][aria-selected=true]')
    const isAt = (place: number) => selected()?.getAttribute('aria-rowindex') === String(place)
    await userEvent.keyboard('{End}')
    await until(() => isAt(MANY + 1), 'the last one')
    expect(element('recovery-table').getAttribute('aria-activedescendant')).toBe(selected()?.id)
    await userEvent.keyboard('{PageUp}{ArrowUp}')
    await until(() => isAt(MANY - 15), 'sixteen before')
    await userEvent.keyboard('{Home}')
    await until(() => isAt(2), 'the first one')
    expect(all('recovery-row').length).toBeLessThan(MOST_MOUNTED)
  })

  it('stays small, and keeps to what the hosts say, while hundreds change each second and it is scrolled', async () => {
    const fake = new FakeApp(sampleFleet(MANY))
    await mountPilothouse(fake, '/recovery')
    await until(() => all('recovery-row').length > 10, 'the rows')
    const environments = fake.states.get(LON)?.environments ?? []
    const table = element('recovery-table')
    for (let frame = 0; frame < 60; frame += 1) {
      const now = environments.slice(frame * 10, frame * 10 + 10)
      for (const each of now) fake.backups.change(LON, each.id, { latest: null, pointCount: 0 })
      table.scrollTop = frame * 400
      await nextFrame()
      expect(all('recovery-row').length).toBeLessThan(MOST_MOUNTED)
    }
    element('recovery-filter').focus()
    await userEvent.keyboard(environments[599]?.id ?? '')
    await until(() => all('recovery-row').length === 1, 'the last that changed')
    await until(() => all('recovery-row')[0]?.dataset['kind'] === 'missing', 'what its host said')
  })
})
