import { describe, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import { FakeApp } from '../support/fake-app.ts'
import { bootIdOf, sampleFleet, sampleHost } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const HOST = 'host-00000001' as HostId
const SPAWN = 'host.environments.spawn'

async function fill(name: string): Promise<void> {
  await page.getByTestId('spawn-button').click()
  await page.getByTestId('spawn-name').fill(name)
  await page.getByTestId('spawn-owner').click()
  await page.getByRole('option', { name: /northwind/ }).click()
}

const spawnCalls = (fake: FakeApp) => fake.calls.filter(({ path }) => path === SPAWN)
const phase = () => document.querySelector('[data-testid=phases]')?.getAttribute('data-phase')

describe('making an environment', () => {
  it('refuses a name in the contract’s words before anything is sent', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake)
    await fill('Billing_worker')
    await page.getByTestId('spawn-submit').click()
    await expect.element(page.getByText(/must be 1–63 lower-case letters/)).toBeVisible()
    expect(spawnCalls(fake)).toHaveLength(0)
  })

  it('does not offer an owner that is not active', async () => {
    await mountPilothouse(new FakeApp({ hosts: [sampleHost(0)] }))
    await page.getByTestId('spawn-button').click()
    await page.getByTestId('spawn-owner').click()
    await expect.element(page.getByRole('option', { name: /retired/ })).toHaveAttribute('data-disabled')
  })

  it('shows the provisioning view at the click, before the host has answered', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    const release = fake.hold(SPAWN)
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-submit').click()
    await until(() => phase() === 'requested', 'the first phase')
    expect(element('env-title').textContent).toBe('web')
    expect(element('cancel').dataset['block']).toBe('The host has not answered yet.')
    release()
    await until(() => location.hash.includes('/env-'), 'the address names the environment')
    expect(phase()).toBe('requested')
  })

  it('sends one command however often the button is pressed', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake)
    await fill('web')
    const submit = element('spawn-submit')
    submit.click()
    submit.click()
    await until(() => location.hash.includes('/env-'), 'accepted')
    expect(spawnCalls(fake)).toHaveLength(1)
  })

  it('goes through the phases without ever going back, and its clock counts from the click', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-submit').click()
    await until(() => spawnCalls(fake).length === 1 && location.hash.includes('/env-'), 'accepted')
    const { id, environmentId } = fake.states.get(HOST)?.operations[0] ?? { id: '', environmentId: '' }
    fake.changeOperation(HOST, id, { phase: 'booting_guest', attempt: 1 })
    await until(() => phase() === 'booting_guest', 'booting')
    // The environment's own event is late: it must not take the phase back.
    fake.changeEnvironment(HOST, environmentId, { observed: { kind: 'creating', since: 0, phase: 'provisioning_vm' } })
    fake.changeOperation(HOST, id, { phase: 'provisioning_vm', attempt: 1 })
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect(phase()).toBe('booting_guest')
    expect(element('elapsed').textContent).toMatch(/0:0[1-9]/)
    fake.finish(HOST, fake.states.get(HOST)!.operations[0]!, {
      kind: 'running',
      since: Date.now(),
      bootId: bootIdOf(1) as never,
      agent: 'answering',
    })
    await until(() => element('state').textContent.includes('Running'), 'running')
    await expect.element(page.getByText('web is ready.')).toBeInTheDocument()
  })

  it('shows a refusal with hint and request id, and reopens the dialog with what was typed', async () => {
    const fake = new FakeApp(sampleFleet(8))
    await mountPilothouse(fake)
    await fill('billing-worker')
    await page.getByTestId('spawn-submit').click()
    await says('failure', 'There is already an environment called')
    await says('failure', 'names are unique per host')
    expect(element('failure-request-id').textContent).toBe(spawnCalls(fake)[0]?.requestId)
    await page.getByTestId('spawn-correct').click()
    await expect.element(page.getByTestId('spawn-name')).toHaveValue('billing-worker')
    await page.getByTestId('spawn-name').fill('billing-worker-9')
    await page.getByTestId('spawn-submit').click()
    await until(() => spawnCalls(fake).length === 2, 'the second command')
    const [first, second] = spawnCalls(fake).map(({ input }) => (input as { commandId: string }).commandId)
    expect(second).not.toBe(first)
  })

  it('tries the same values again as a new command, in the same view', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    fake.refuse(SPAWN, new PilothouseError('host_limit_reached', 'lon-1 has 256 MiB of memory left.'))
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-submit').click()
    await says('outcome-kept', 'Nothing was made.')
    const view = element('environment')
    await page.getByTestId('spawn-again').click()
    await until(() => location.hash.includes('/env-'), 'accepted')
    expect(element('environment')).toBe(view)
    expect(phase()).toBe('requested')
    const [first, second] = spawnCalls(fake).map(({ input }) => input as { commandId: string; name: string })
    expect(second?.commandId).not.toBe(first?.commandId)
    expect({ ...second, commandId: '' }).toEqual({ ...first, commandId: '' })
  })

  it('goes nowhere and says nothing when it is refused after it was left', async () => {
    const fake = new FakeApp(sampleFleet(8))
    const release = fake.hold(SPAWN)
    await mountPilothouse(fake)
    await fill('billing-worker')
    await page.getByTestId('spawn-submit').click()
    await until(() => phase() === 'requested', 'the view')
    await page.getByTestId('back').click()
    await expect.element(page.getByTestId('env-table')).toBeVisible()
    release()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(location.hash).toBe('#/environments')
    expect(document.body.textContent).not.toContain('There is already an environment')
  })

  it('opens nothing by itself for whoever has left, and is found in the list', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    const release = fake.hold(SPAWN)
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-submit').click()
    await page.getByTestId('back').click()
    release()
    await expect.element(page.getByTestId('env-row')).toHaveAttribute('data-name', 'web')
    expect(location.hash).toBe('#/environments')
  })

  it('asks again with the same command when no answer came', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    fake.refuse(SPAWN, new PilothouseError('host_unreachable', 'The connection ended before the answer came.'))
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-submit').click()
    await page.getByTestId('spawn-retry').click()
    await until(() => spawnCalls(fake).length === 2, 'the retry')
    const [first, second] = spawnCalls(fake)
    expect((second?.input as { commandId: string }).commandId).toBe((first?.input as { commandId: string }).commandId)
    expect(second?.requestId).not.toBe(first?.requestId)
  })

  it('can be left while it goes on, and cancelled by its own button', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-submit').click()
    await until(() => location.hash.includes('/env-'), 'accepted')
    await page.getByTestId('back').click()
    await expect.element(page.getByTestId('env-row')).toBeVisible()
    expect(fake.calls.some(({ path }) => path.endsWith('cancel'))).toBe(false)
    await page.getByTestId('env-open').click()
    await page.getByTestId('cancel').click()
    await until(() => fake.calls.some(({ path }) => path === 'host.operations.cancel'), 'cancelled')
  })

  it('closes with Escape and gives the focus back', async () => {
    await mountPilothouse(new FakeApp({ hosts: [sampleHost(0)] }))
    await page.getByTestId('spawn-button').click()
    await expect.element(page.getByTestId('spawn-form')).toBeVisible()
    await userEvent.keyboard('{Escape}')
    await until(() => document.querySelector('[data-testid=spawn-form]') === null, 'closed')
    await until(() => document.activeElement === element('spawn-button'), 'focus is back')
  })
})
