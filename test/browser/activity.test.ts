import { describe, expect, it, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostId, OperationId } from '../../src-shared/model/ids.ts'
import { FakeApp } from '../support/fake-app.ts'
import { sampleFleet, sampleHost } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const LON = 'host-00000001' as HostId
const LON2 = 'host-00000002' as HostId
const LIST = 'host.activity.list'
const NAMED = { environmentId: 'env-9e3779b1', environmentName: 'billing-worker' }
const PLAN = 'Reset billing-worker of acme.\nIts home is destroyed for good.'

const rows = () => [...document.querySelectorAll<HTMLElement>('[data-testid=activity-row]')]
const seqs = (host = 'lon-1') =>
  rows()
    .filter((row) => row.dataset['host'] === host)
    .map((row) => Number(row.dataset['seq']))
const asked = (fake: FakeApp) => fake.calls.filter(({ path }) => path === LIST).map(({ input }) => input)

/** One host, with `count` entries a second apart. */
function oneHost(count: number): FakeApp {
  const fake = new FakeApp({ hosts: [sampleHost(0)] })
  const now = Date.now()
  for (let seq = 1; seq <= count; seq += 1) fake.activity.append(LON, { ...NAMED, at: now - (count - seq) * 1000 })
  return fake
}

describe('the record of activity', () => {
  it('merges the hosts by time, says who and what, and lets none block another', async () => {
    const fake = new FakeApp(sampleFleet(8))
    const now = Date.now()
    fake.activity.append(LON, { ...NAMED, at: now - 3000, action: 'reset' })
    fake.activity.append(LON2, { at: now - 2000, actor: null, ...NAMED, action: 'guest.gone', outcome: 'lost' })
    fake.activity.append(LON, { ...NAMED, at: now - 1000, action: 'stop' })
    await mountPilothouse(fake, '/activity')
    await until(() => rows().length === 3, 'three rows')
    expect(rows().map((row) => `${row.dataset['host'] ?? ''}/${row.dataset['seq'] ?? ''}`)).toEqual([
      'lon-1/2',
      'lon-2/1',
      'lon-1/1',
    ])
    expect(rows()[2]?.textContent).toContain('Reset of billing-worker: the old home was destroyed')
    expect(rows()[2]?.textContent).toContain('ada (claimed op@desk-1)')
    expect(rows()[1]?.textContent).toContain('the daemon')
    const trouble = [...document.querySelectorAll('[data-testid=host-trouble]')].map((each) => each.textContent)
    expect(trouble.join()).toMatch(/fra-edge\s+cannot be read since/)
  })

  it('opens an entry: the plan verbatim, the reason, the failure and the operation’s steps', async () => {
    const fake = oneHost(0)
    const operationId = 'op-00000000000000c1' as OperationId
    const detail = { text: PLAN, reason: 'agreed', code: 'engine_failed', message: 'It broke.' }
    fake.activity.append(LON, { ...NAMED, operationId, action: 'reset', outcome: 'failed', detail })
    const step = {
      direction: 'undo',
      step: 'make-home',
      stepIndex: 2,
      attempt: null,
      startedAt: 1,
      endedAt: 2,
    } as const
    fake.activity.steps.set(operationId, [{ ...step, outcome: 'done', detail: 'Taken back.' }])
    await mountPilothouse(fake, '/activity')
    await until(() => rows().length === 1, 'the row')
    element('activity-list').focus()
    await userEvent.keyboard('{ArrowDown}{Enter}')
    await says('activity-detail', 'engine_failed')
    expect(element('activity-plan').textContent).toBe(PLAN)
    expect(element('activity-reason').textContent).toBe('agreed')
    await says('journal-step', 'Undo: make home')
    await userEvent.keyboard('{ArrowLeft}')
    await until(() => document.querySelector('[data-testid=activity-detail]') === null, 'closed')
  })

  it('shows new entries at once while nobody reads, and behind a button while someone does', async () => {
    const fake = oneHost(60)
    await mountPilothouse(fake, '/activity')
    await until(() => rows().length > 10, 'the rows')
    // Whoever points at the list reads it, and the pointer is where another test has left it.
    await page.getByTestId('activity-text').hover()
    fake.note(LON, NAMED)
    await until(() => seqs()[0] === 61, 'the new one on top')
    const list = element('activity-list')
    list.scrollTop = 300
    await until(() => list.scrollTop === 300, 'scrolled')
    for (let count = 0; count < 3; count += 1) fake.note(LON, NAMED)
    await says('activity-news', '3 new')
    expect(list.scrollTop).toBe(300)
    expect(seqs()).not.toContain(62)
    element('activity-news').click()
    await until(() => seqs()[0] === 64, 'shown')
  })

  it('reads older pages, without a hole, and says when that was all', async () => {
    const fake = oneHost(150)
    await mountPilothouse(fake, '/activity')
    await says('activity-count', '100 entries')
    element('activity-list').scrollTop = 1e6
    await says('activity-count', '150 entries')
    element('activity-list').scrollTop = 1e6
    await until(() => seqs().includes(1), 'the first entry')
    await says('activity-end', 'the whole record')
  })

  it('holds 10,000 entries with few elements', async () => {
    const fake = oneHost(10_000)
    await mountPilothouse(fake, '/activity')
    await says('activity-count', '100')
    for (const count of ['200', '300', '400']) {
      element('activity-list').scrollTop = 1e6
      await says('activity-count', count)
    }
    expect(rows().length).toBeLessThan(60)
  })

  it('asks the host for what the filters say, keeps them in the address, and finds a request', async () => {
    const fake = oneHost(3)
    fake.activity.append(LON, { ...NAMED, action: 'reset.plan', outcome: 'planned', requestId: 'req-00000000000000ff' })
    await mountPilothouse(fake, '/activity')
    await until(() => rows().length === 4, 'all')
    await page.getByTestId('activity-text').fill('req-00000000000000ff')
    await until(() => rows().length === 1, 'one')
    expect(asked(fake).at(-1)).toMatchObject({ request: 'req-00000000000000ff' })
    expect(location.hash).toContain('text=req-00000000000000ff')
    await page.getByTestId('activity-clear').click()
    await until(() => rows().length === 4, 'all again')
    await page.getByTestId('activity-action').click()
    await page.getByRole('option', { name: 'Reset', exact: true }).click()
    await until(() => rows().length === 1, 'resets')
    expect(asked(fake).at(-1)).toMatchObject({ action: 'reset' })
    await page.getByTestId('activity-user').fill('nobody')
    await says('empty', 'Nothing on record fits')
  })

  it('says that nothing has been done where nothing has', async () => {
    await mountPilothouse(oneHost(0), '/activity')
    await says('empty', 'Nothing has been done yet')
  })

  it('says which host failed, with the request id, and reads it again', async () => {
    const fake = oneHost(2)
    fake.refuse(LIST, new PilothouseError('storage_failed', 'The record could not be read.'))
    await mountPilothouse(fake, '/activity')
    await says('failure', 'The record of lon-1 could not be read.')
    await says('failure-request-id', /^req-/)
    await page.getByRole('button', { name: 'Read again' }).click()
    await until(() => rows().length === 2, 'read')
    expect(document.querySelector('[data-testid=failure]')).toBeNull()
  })

  it('goes on by itself when a host comes back', async () => {
    const fake = oneHost(2)
    const { connection } = sampleHost(0)
    fake.setConnection(LON, { kind: 'disconnected', since: Date.now() })
    await mountPilothouse(fake, '/activity')
    await says('host-trouble', 'lon-1')
    expect(rows()).toHaveLength(0)
    fake.setConnection(LON, connection)
    await until(() => rows().length === 2, 'read')
  })
})

describe('verifying the record', () => {
  it('says intact, not anchored, or broken and where, with the number of entries', async () => {
    const fake = oneHost(5)
    await mountPilothouse(fake, '/activity')
    await page.getByTestId('verify-open').click()
    await page.getByTestId('verify').click()
    await says('verdict', 'Intact')
    await says('chain', '5 entries read')
    fake.activity.verdicts.set(LON, { kind: 'unanchored', anchor: null, says: 'No head is pinned.' })
    await page.getByTestId('verify').click()
    await says('verdict', 'Consistent, not anchored')
    fake.activity.verdicts.set(LON, { kind: 'broken', brokenAt: 4, says: 'Entry 4 was changed.' })
    await page.getByTestId('verify').click()
    await says('verdict', 'Broken at entry 4')
    await says('verdict-says', 'Entry 4 was changed.')
    await userEvent.keyboard('{Escape}')
    await says('broken', 'Entry 4 was changed.')
  })

  it('does not pass a failed verification off as a verdict', async () => {
    const fake = oneHost(5)
    fake.refuse('activity.verify', new PilothouseError('host_unreachable', 'The link went down.'))
    await mountPilothouse(fake, '/activity')
    await page.getByTestId('verify-open').click()
    await page.getByTestId('verify').click()
    await says('failure', 'It is not known whether the record is whole.')
    expect(document.querySelector('[data-testid=verdict]')).toBeNull()
  })

  it('exports the end of the chain as a file', async () => {
    const blobs: Blob[] = []
    const spy = vi.spyOn(URL, 'createObjectURL').mockImplementation((blob) => {
      blobs.push(blob as Blob)
      return 'blob:none'
    })
    const press = vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(() => undefined)
    await mountPilothouse(oneHost(5), '/activity')
    await page.getByTestId('verify-open').click()
    await page.getByTestId('export-head').click()
    await until(() => blobs.length === 1, 'a file')
    spy.mockRestore()
    press.mockRestore()
    const head: unknown = JSON.parse((await blobs[0]?.text()) ?? '')
    expect(head).toMatchObject({ host: 'lon-1', seq: 5, hash: '5'.padStart(64, '0') })
    expect(typeof (head as { at: unknown }).at).toBe('number')
  })
})
