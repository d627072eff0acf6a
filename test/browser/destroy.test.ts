import { describe, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import { FakeApp } from '../support/fake-app.ts'
import { sampleFleet } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const HOST = 'host-00000001' as HostId
const RUN = 'host.environments.destroy.run'

async function openDialog(prepare: (fake: FakeApp) => void = () => undefined): Promise<FakeApp> {
  const fake = new FakeApp(sampleFleet(8))
  prepare(fake)
  const id = fake.environment(HOST, 'billing-worker')?.id ?? ''
  await mountPilothouse(fake, `/environments/${HOST}/${id}`)
  await page.getByTestId('destroy').click()
  return fake
}

const runs = (fake: FakeApp) => fake.calls.filter(({ path }) => path === RUN)

describe('destroying an environment', () => {
  it('shows the plan of the daemon, what is lost and what is kept', async () => {
    await openDialog()
    await says('destroy-plan', 'The guest is stopped first, if it runs.')
    await says('destroy-losses', '1.3 GiB of data is removed for good')
    await says('destroy-plan', 'stay on record')
    await says('destroy-expiry', /until \d\d:\d\d:\d\d \([45]:\d\d left\)/)
  })

  it('asks for the name, then runs that plan once, with the reason', async () => {
    const fake = await openDialog()
    await page.getByTestId('destroy-name').fill('billing-work')
    element('destroy-confirm').click()
    expect(runs(fake)).toHaveLength(0)
    const release = fake.hold(RUN)
    await page.getByTestId('destroy-name').fill('billing-worker')
    await page.getByTestId('destroy-reason').fill('  no longer needed ')
    element('destroy-confirm').click()
    element('destroy-confirm').click()
    await until(() => runs(fake).length > 0, 'sent')
    release()
    await until(() => document.querySelector('[data-testid=destroy-dialog]') === null, 'closed')
    expect(runs(fake)).toHaveLength(1)
    expect(runs(fake)[0]?.input).toMatchObject({ confirmName: 'billing-worker', reason: 'no longer needed' })
  })

  it('needs no name where the plan asks for none', async () => {
    const fake = await openDialog((app) => (app.plan = { needsName: false }))
    await expect.element(page.getByTestId('destroy-plan')).toBeVisible()
    expect(document.querySelector('[data-testid=destroy-name]')).toBeNull()
    await page.getByTestId('destroy-confirm').click()
    await until(() => runs(fake).length === 1, 'sent')
  })

  it('says why a plan is outdated, and reads the new one under a new command', async () => {
    const fake = await openDialog((app) => {
      app.refuse(RUN, new PilothouseError('plan_outdated', 'It was stopped since the plan was made.'))
    })
    await page.getByTestId('destroy-name').fill('billing-worker')
    await page.getByTestId('destroy-confirm').click()
    await says('failure', 'It was stopped since the plan was made.')
    await page.getByTestId('destroy-replan').click()
    await expect.element(page.getByTestId('destroy-plan')).toBeVisible()
    await until(() => document.querySelector('[data-testid=failure]') === null, 'the failure is gone')
    await page.getByTestId('destroy-confirm').click()
    await until(() => runs(fake).length === 2, 'the second run')
    const [first, second] = runs(fake).map(({ input }) => input as { commandId: string; ticket: string })
    expect(second?.ticket).not.toBe(first?.ticket)
    expect(second?.commandId).not.toBe(first?.commandId)
  })

  it('cannot be pressed once its ticket has expired', async () => {
    const fake = await openDialog((app) => (app.ticketLivesMs = 1500))
    await page.getByTestId('destroy-name').fill('billing-worker')
    await says('destroy-expiry', 'This permission has expired.')
    element('destroy-confirm').click()
    expect(runs(fake)).toHaveLength(0)
  })

  it('keeps everything when Escape is pressed', async () => {
    const fake = await openDialog()
    await expect.element(page.getByTestId('destroy-plan')).toBeVisible()
    await userEvent.keyboard('{Escape}')
    await until(() => document.querySelector('[data-testid=destroy-dialog]') === null, 'closed')
    expect(runs(fake)).toHaveLength(0)
  })
})
