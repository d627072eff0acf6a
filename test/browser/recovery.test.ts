import { describe, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import { FakeApp } from '../support/fake-app.ts'
import { connected, sampleFleet, sampleHost } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const LON = 'host-00000001' as HostId
const all = (testId: string) => [...document.querySelectorAll<HTMLElement>(`[data-testid="${testId}"]`)]
const rowNamed = (name: string) =>
  document.querySelector<HTMLElement>(`[data-testid=recovery-row][data-name="${name}"]`)
const kinds = () => all('recovery-row').map((row) => row.dataset['kind'])
const firstId = (fake: FakeApp) => fake.environment(LON, 'billing-worker')?.id ?? ''
const called = (fake: FakeApp, path: string) => fake.calls.filter((call) => call.path === path)

async function backupsOf(fake: FakeApp): Promise<void> {
  await mountPilothouse(fake, `/environments/${LON}/${firstId(fake)}?pane=backups`)
  await until(() => all('point').length > 0, 'the points')
}

describe('the recovery screen', () => {
  it('has what needs someone first, raises an alert, and counts it in the rail', async () => {
    await mountPilothouse(new FakeApp(sampleFleet(38)), '/recovery')
    await until(() => all('recovery-row').length > 5, 'the rows')
    expect(kinds()[0]).toBe('unavailable')
    await says('recovery-alert', /need someone/)
    expect(element('recovery-badge').textContent).toMatch(/^\d+/)
    expect(document.querySelector('[data-testid=recovery-row][data-kind=healthy]')).not.toBeNull()
  })

  it('shows one class when its count is pressed, and all again at the second press', async () => {
    await mountPilothouse(new FakeApp(sampleFleet(38)), '/recovery')
    await until(() => all('recovery-row').length > 5, 'the rows')
    const stale = () => document.querySelector<HTMLElement>('[data-testid=freshness-filter][data-kind=stale]')
    stale()?.click()
    await until(() => kinds().length > 0 && kinds().every((kind) => kind === 'stale'), 'only stale ones')
    stale()?.click()
    await until(() => kinds().includes('unavailable'), 'all of them')
  })

  it('backs up at a press, and says why a viewer cannot', async () => {
    const fake = new FakeApp(sampleFleet(8))
    await mountPilothouse(fake, '/recovery')
    await until(() => rowNamed('billing-worker') !== null, 'the row')
    rowNamed('billing-worker')?.querySelector<HTMLElement>('[data-testid=recovery-backup]')?.click()
    await until(() => called(fake, 'host.backups.now').length === 1, 'the backup')
    await says('recovery-running', 'Backup')
    fake.setConnection(LON, connected('viewer'))
    await until(
      () => rowNamed('billing-worker')?.textContent.includes('Needs the operator role') === true,
      'the reason',
    )
  })

  it('is moved through by keyboard, and opens the backups of the chosen one', async () => {
    await mountPilothouse(new FakeApp(sampleFleet(19)), '/recovery')
    await until(() => all('recovery-row').length > 3, 'the rows')
    await userEvent.keyboard('/')
    await userEvent.keyboard('scratch owner:delta')
    await until(() => all('recovery-row').length === 1, 'one row')
    await userEvent.keyboard('{ArrowDown}')
    await until(() => document.activeElement === element('recovery-table'), 'focus in the table')
    await userEvent.keyboard('{Enter}')
    await says('env-title', 'scratch-pad')
    await says('freshness', 'older than 1 h 15 min is stale')
  })

  it('follows a change of freshness, and is not broken by an environment without any', async () => {
    const fleet = sampleFleet(8)
    const fake = new FakeApp({
      ...fleet,
      states: fleet.states.map((state) => ({ ...state, backups: [...state.backups] })),
    })
    fake.states.get(LON)?.backups.splice(1)
    await mountPilothouse(fake, '/recovery')
    await until(() => rowNamed('billing-worker')?.dataset['kind'] === 'healthy', 'healthy')
    await until(() => rowNamed('scratch-pad')?.dataset['kind'] === 'unavailable', 'nothing told')
    fake.backups.change(LON, firstId(fake), { latest: null, pointCount: 0 })
    await until(() => rowNamed('billing-worker')?.dataset['kind'] === 'missing', 'missing')
  })

  it('says that nothing needs anyone, what to do when it is empty, and why it could not be read', async () => {
    await mountPilothouse(new FakeApp({ hosts: [sampleHost(0)] }), '/recovery')
    await says('empty', 'Nothing to protect yet')
  })

  it('says why the fleet could not be read', async () => {
    const fake = new FakeApp(sampleFleet(8))
    fake.refuse('fleet.watch', new PilothouseError('internal', 'The record could not be read.'))
    await mountPilothouse(fake, '/recovery')
    await says('failure-request-id', /^req-/)
  })
})

describe("the backups on an environment's page", () => {
  it('backs up with progress, and can be cancelled, while nothing else is in the way', async () => {
    const fake = new FakeApp(sampleFleet(8))
    await backupsOf(fake)
    await page.getByTestId('backup-now').click()
    await says('running-operation', 'Backup')
    expect(element('stop').getAttribute('aria-disabled')).not.toBe('true')
    const progress = { doneBytes: 512, totalBytes: 1024, doneFiles: null, totalFiles: null, bytesPerSecond: 128 }
    fake.changeOperation(LON, fake.running(LON).id, { progress })
    await says('operation-progress', '512 B of 1 KiB · 128 B/s')
    await page.getByTestId('operation-cancel').click()
    await until(() => all('running-operation').length === 0, 'cancelled')
  })

  it('says why a backup was refused, in place', async () => {
    const fake = new FakeApp(sampleFleet(8))
    await backupsOf(fake)
    fake.refuse('host.backups.now', new PilothouseError('home_gone', 'Its home is gone.'))
    await page.getByTestId('backup-now').click()
    await says('failure', 'Its home is gone.')
  })

  it('browses a point folder by folder, shows harmful names written out, and takes what is picked on', async () => {
    const fake = new FakeApp(sampleFleet(8))
    await backupsOf(fake)
    await page.getByTestId('point-actions').first().click()
    await page.getByTestId('point-browse').click()
    await until(() => all('tree-line').length > 2, 'the root')
    expect(called(fake, 'host.backups.browse')).toHaveLength(1)
    element('tree').focus()
    await userEvent.keyboard('{ArrowDown}{ArrowRight}')
    await until(() => all('tree-name').some((name) => name.textContent.includes('invoice')), 'the folder')
    const names = all('tree-name').map((name) => name.textContent)
    expect(names).toContain(String.raw`invoice\u{202e}fdp.exe`)
    expect(names).toContain(String.raw`two\nlines \u{1b}[31mred`)
    expect(names).toContain('<img src=x onerror=alert(1)> & "quoted"')
    await userEvent.keyboard('{ArrowDown} ')
    await says('picked', '1 thing picked')
  })

  it('compares two points, a page at a time', async () => {
    const fake = new FakeApp(sampleFleet(8))
    await backupsOf(fake)
    await page.getByTestId('point-actions').nth(2).click()
    await page.getByTestId('point-compare').click()
    await says('compare-counts', /Added2.*Changed241.*Removed1/)
    expect(all('change')).toHaveLength(200)
    await page.getByTestId('compare-more').click()
    await until(() => all('change').length === 244, 'all of them')
  })

  it('sets a policy, and refuses one that would forget everything', async () => {
    const fake = new FakeApp(sampleFleet(8))
    await backupsOf(fake)
    await page.getByTestId('backup-policy').click()
    await page.getByTestId('policy-interval').fill('30')
    await says('cli', '--every-minutes 30')
    for (const rule of ['hourly', 'daily', 'weekly']) await page.getByTestId(`policy-keep-${rule}`).fill('')
    await says('policy-error', 'at least one rule')
    await page.getByTestId('policy-keep-last').fill('5')
    await page.getByTestId('policy-confirm').click()
    await until(() => document.querySelector('[data-testid=policy-dialog]') === null, 'closed')
    await says('backup-facts', 'every 30 min')
    await says('backup-facts', '5 last')
  })

  it('offers the undo with its deadline and cost', async () => {
    const fake = new FakeApp(sampleFleet(8))
    const home = fake.environment(LON, 'billing-worker')?.home.id
    if (home === undefined) throw new Error('There is no home.')
    const undo = { homeId: home, until: Date.now() + 3_600_000, bytes: 1024 ** 3, restoredAt: Date.now() }
    fake.backups.change(LON, firstId(fake), { undo })
    await backupsOf(fake)
    await says('undo-banner', 'It takes 1 GiB on the host.')
  })
})
