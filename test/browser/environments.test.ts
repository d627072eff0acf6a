import { describe, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import { FakeApp } from '../support/fake-app.ts'
import { connected, failureWith, sampleFleet, sampleHost } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const HOST = 'host-00000001' as HostId
const rowNamed = (name: string) => document.querySelector<HTMLElement>(`[data-testid=env-row][data-name="${name}"]`)
const stateOf = (name: string) => rowNamed(name)?.querySelector('[data-testid=env-state]')?.textContent ?? ''

describe('the list of environments', () => {
  it('says what to do first when there is no host, and opens the dialog for it', async () => {
    await mountPilothouse(new FakeApp())
    await page.getByTestId('empty-add-host').click()
    await expect.element(page.getByTestId('add-host-form')).toBeVisible()
  })

  it('shows that it is loading, not that it is empty, until main has spoken', async () => {
    await mountPilothouse(new FakeApp({ isSilent: true }))
    await expect.element(page.getByTestId('loading')).toBeVisible()
    expect(document.querySelector('[data-testid=empty]')).toBeNull()
  })

  it('says why the fleet could not be read, with the request id, and reads it again', async () => {
    const fake = new FakeApp(sampleFleet(8))
    fake.refuse('fleet.watch', new PilothouseError('internal', 'The record could not be read.'))
    await mountPilothouse(fake)
    await says('failure-request-id', /^req-/)
    await page.getByRole('button', { name: 'Try again' }).click()
    await says('env-count', '8 environments')
  })

  it('holds 10,000 rows with few elements, also while hundreds change each second', async () => {
    const fake = new FakeApp(sampleFleet(10_000))
    await mountPilothouse(fake)
    await says('env-count', '10,000')
    const mounted = () => document.querySelectorAll('[data-testid=env-row]').length
    const most = 60
    expect(mounted()).toBeLessThan(most)

    const environments = fake.states.get(HOST)?.environments ?? []
    for (let frame = 0; frame < 60; frame += 1) {
      for (const each of environments.slice(frame * 10, frame * 10 + 10)) {
        const owner = `changed-${frame}` as typeof each.owner
        fake.emit({
          type: 'environment_changed',
          hostId: HOST,
          environment: { ...each, owner, observedAt: Date.now() },
          confirmedAt: Date.now(),
        })
      }
      await new Promise((resolve) => requestAnimationFrame(resolve))
      expect(mounted()).toBeLessThan(most)
      expect(mounted()).toBeGreaterThan(10)
    }
    // All of them arrived, the last of them too.
    await page.getByTestId('env-filter').fill('changed-59')
    await says('env-count', /^10 of/)
  })

  it('never shows a guest as running on evidence older than its bound', async () => {
    const now = Date.now()
    const fleet = sampleFleet(8, now)
    const failure = failureWith('host_unreachable', 'Nothing answered.')
    const away = sampleHost(0, { kind: 'retrying', since: now, attempt: 1, nextAt: now + 60_000, failure })
    const states = fleet.states.map((state) => ({
      ...state,
      confirmedAt: now - 29_000,
      environments: state.environments.map((each) => ({ ...each, observedAt: now - 29_000 })),
    }))
    await mountPilothouse(new FakeApp({ hosts: [away], states: states.slice(0, 1) }))
    await until(() => stateOf('billing-worker').startsWith('Running'), 'running at 29 s')
    await until(() => stateOf('billing-worker').startsWith('Unknown'), 'unknown past 30 s')
    expect(document.body.textContent).not.toMatch(/billing-worker\s*Running/)
  })

  it('keeps every row in its place while they change', async () => {
    const fake = new FakeApp(sampleFleet(40))
    await mountPilothouse(fake)
    await until(() => rowNamed('billing-worker') !== null, 'the row')
    const before = rowNamed('billing-worker')?.style.transform
    const id = fake.environment(HOST, 'billing-worker')?.id ?? ''
    fake.changeEnvironment(HOST, id, { observed: { kind: 'stopped', since: Date.now() } })
    await until(() => stateOf('billing-worker').startsWith('Stopped'), 'the change')
    expect(rowNamed('billing-worker')?.style.transform).toBe(before)
  })

  it('is moved through by keyboard: / filters, arrows move, Enter opens', async () => {
    await mountPilothouse(new FakeApp(sampleFleet(19)))
    await until(() => rowNamed('billing-worker') !== null, 'the rows')
    await userEvent.keyboard('/')
    await userEvent.keyboard('scratch lon-1')
    await until(() => document.querySelectorAll('[data-testid=env-row]').length === 1, 'one row')
    await userEvent.keyboard('{ArrowDown}')
    await until(() => document.activeElement === element('env-table'), 'focus in the table')
    await userEvent.keyboard('{Enter}')
    await says('env-title', 'scratch-pad')
  })

  it('says why an action is disabled, and does nothing when it is pressed', async () => {
    const fake = new FakeApp({ ...sampleFleet(8), hosts: [sampleHost(0, connected('viewer'))] })
    await mountPilothouse(fake)
    await until(() => rowNamed('billing-worker') !== null, 'the rows')
    const stop = rowNamed('billing-worker')?.querySelector<HTMLElement>('[data-testid=row-stop]')
    expect(stop?.getAttribute('aria-disabled')).toBe('true')
    expect(stop?.title).toBe('Needs the operator role; you are viewer on lon-1.')
    stop?.click()
    expect(fake.calls.some(({ path }) => path.endsWith('.stop'))).toBe(false)
  })

  it('says that main is away, keeps what it showed, and follows again by itself', async () => {
    const fake = new FakeApp(sampleFleet(8))
    await mountPilothouse(fake)
    await until(() => rowNamed('billing-worker') !== null, 'the rows')
    const accept = fake.acceptRpc.bind(fake)
    fake.acceptRpc = (channel) => channel.close('It is not there.')
    fake.cutAll('Main has ended.')
    await expect.element(page.getByTestId('link-lost')).toBeVisible()
    expect(rowNamed('billing-worker')).not.toBeNull()
    fake.acceptRpc = accept
    await until(() => document.querySelector('[data-testid=link-lost]') === null, 'connected again')
  })

  it('opens the palette with Ctrl K and goes where it says', async () => {
    await mountPilothouse(new FakeApp(sampleFleet(40)))
    await until(() => rowNamed('billing-worker') !== null, 'the rows')
    await userEvent.keyboard('{Control>}k{/Control}')
    await page.getByPlaceholder('Search environments, hosts, commands').fill('vector')
    await userEvent.keyboard('{Enter}')
    await says('env-title', 'vector-db')
  })
})
