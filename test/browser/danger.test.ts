import { describe, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import { FakeApp } from '../support/fake-app.ts'
import { sampleFleet } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const HOST = 'host-00000001' as HostId
const NAME = 'billing-worker'

interface Opening {
  readonly kind?: 'reset' | 'destroy'
  readonly prepare?: (fake: FakeApp) => void
}

async function openDialog({ kind = 'destroy', prepare }: Opening = {}): Promise<FakeApp> {
  const fake = new FakeApp(sampleFleet(8))
  prepare?.(fake)
  const id = fake.environment(HOST, NAME)?.id ?? ''
  await mountPilothouse(fake, `/environments/${HOST}/${id}`)
  await page.getByTestId('actions').click()
  await page.getByTestId(kind).click()
  return fake
}

const runPath = (kind: string) => `host.environments.${kind}.run`
const runs = (fake: FakeApp, kind = 'destroy') => fake.calls.filter(({ path }) => path === runPath(kind))
const isOpen = () => document.querySelector('[data-testid=danger-dialog]') !== null

describe.each(['reset', 'destroy'] as const)('%s', (kind) => {
  it('shows every line of the plan of the daemon, what is lost and what is kept', async () => {
    const fake = await openDialog({ kind })
    await says('danger-plan', 'The guest is stopped first, if it runs.')
    await says('danger-losses', '1.3 GiB of data is removed for good')
    await says('danger-keeps', 'stay on record')
    await says('danger-expiry', /until \d\d:\d\d:\d\d \([45]:\d\d left\)/)
    const { text } = fake.planFor(fake.environment(HOST, NAME)!, kind)
    const shown = element('danger-plan').textContent
    let from = 0
    for (const line of text.split('\n')) {
      const at = shown.indexOf(line, from)
      expect(at, `"${line}" in its place`).toBeGreaterThanOrEqual(from)
      from = at + line.length
    }
    expect(element('cli').textContent).toBe(`pilothouse env ${kind} ${NAME} --host lon-1 --plan`)
  })

  it('asks for the name, then runs that plan once, with the reason', async () => {
    const fake = await openDialog({ kind })
    await page.getByTestId('danger-name').fill('billing-work')
    element('danger-confirm').click()
    expect(runs(fake, kind)).toHaveLength(0)
    const release = fake.hold(runPath(kind))
    await page.getByTestId('danger-name').fill(NAME)
    await page.getByTestId('danger-reason').fill('  no longer needed ')
    element('danger-confirm').click()
    element('danger-confirm').click()
    await userEvent.keyboard('{Enter}{Enter}{Escape}')
    await until(() => runs(fake, kind).length > 0, 'sent')
    expect(isOpen()).toBe(true)
    release()
    await until(() => !isOpen(), 'closed')
    expect(runs(fake, kind)).toHaveLength(1)
    expect(runs(fake, kind)[0]?.input).toMatchObject({ confirmName: NAME, reason: 'no longer needed' })
  })
})

describe('a dangerous operation', () => {
  it('is done by keyboard alone, and gives the focus back to what opened it', async () => {
    const fake = new FakeApp(sampleFleet(8))
    await mountPilothouse(fake, `/environments/${HOST}/${fake.environment(HOST, NAME)?.id ?? ''}`)
    await until(() => document.querySelector('[data-testid=actions]') !== null, 'the page')
    element('actions').focus()
    await userEvent.keyboard('{Enter}')
    await until(() => document.querySelector('[data-testid=reset]') !== null, 'the menu')
    await userEvent.keyboard('reset')
    await until(() => document.activeElement === element('reset'), 'the item has the focus')
    await userEvent.keyboard('{Enter}')
    await until(() => document.activeElement?.getAttribute('data-testid') === 'danger-name', 'the name has the focus')
    await userEvent.keyboard(`${NAME}{Tab}gone stale`)
    await expect.element(page.getByTestId('danger-reason')).toHaveValue('gone stale')
    await expect.element(page.getByTestId('danger-name')).toHaveValue(NAME)
    expect(element('danger-confirm').dataset['block']).toBeUndefined()
    await userEvent.keyboard('{Enter}')
    await until(() => !isOpen(), 'closed')
    expect(runs(fake, 'reset').map(({ input }) => input)).toMatchObject([{ confirmName: NAME, reason: 'gone stale' }])
    await until(() => document.activeElement === element('actions'), 'the focus is back')
    await expect.element(page.getByTestId('phases')).toHaveAttribute('data-phase', 'requested')
  })

  it('needs no name where the plan asks for none; the first field is then the reason', async () => {
    const fake = await openDialog({ prepare: (app) => (app.plan = { needsName: false }) })
    await expect.element(page.getByTestId('danger-plan')).toBeVisible()
    expect(document.querySelector('[data-testid=danger-name]')).toBeNull()
    await until(() => document.activeElement?.getAttribute('data-testid') === 'danger-reason', 'the focus')
    await page.getByTestId('danger-confirm').click()
    await until(() => runs(fake).length === 1, 'sent')
  })

  it('says what has changed since an outdated plan, and runs the new one only once it is read and confirmed', async () => {
    const fake = await openDialog()
    await page.getByTestId('danger-name').fill(NAME)
    const { id, generation } = fake.environment(HOST, NAME)!
    fake.changeEnvironment(HOST, id, { generation: generation + 1 })
    await page.getByTestId('danger-confirm').click()
    await says('danger-changes', `generation was ${generation} and is ${generation + 1}`)
    expect(element('danger-confirm').dataset['block']).toBe('Read the new plan first.')
    await page.getByTestId('danger-replan').click()
    await until(() => document.querySelector('[data-testid=failure]') === null, 'the failure is gone')
    await until(
      () => element('danger-confirm').dataset['block'] === `Type ${NAME} to confirm.`,
      'the name is due again',
    )
    await page.getByTestId('danger-name').fill(NAME)
    await page.getByTestId('danger-confirm').click()
    await until(() => !isOpen(), 'accepted')
    const [first, second] = runs(fake).map(({ input }) => input as { commandId: string; ticket: string })
    expect(second?.ticket).not.toBe(first?.ticket)
    expect(second?.commandId).not.toBe(first?.commandId)
  })

  it('asks again with the same command when no answer came', async () => {
    const fake = await openDialog({
      prepare: (app) => app.refuse(runPath('destroy'), new PilothouseError('deadline_exceeded', 'No answer in 10 s.')),
    })
    await page.getByTestId('danger-name').fill(NAME)
    await page.getByTestId('danger-confirm').click()
    await expect.element(page.getByText('No answer came. Pressing again cannot do it twice.')).toBeVisible()
    await page.getByTestId('danger-confirm').click()
    await until(() => !isOpen(), 'accepted')
    const [first, second] = runs(fake).map(({ input }) => (input as { commandId: string }).commandId)
    expect(second).toBe(first)
  })

  it('cannot be pressed once its ticket has expired, and reads another plan', async () => {
    const fake = await openDialog({ prepare: (app) => (app.ticketLivesMs = 1500) })
    await page.getByTestId('danger-name').fill(NAME)
    await says('danger-expiry', 'This permission has expired.')
    element('danger-confirm').click()
    expect(runs(fake)).toHaveLength(0)
    fake.ticketLivesMs = 300_000
    await page.getByTestId('danger-renew').click()
    await says('danger-expiry', 'Works once')
    await expect.element(page.getByTestId('danger-name')).toHaveValue('')
  })

  it('is held back, and says by whom, once someone else has begun something', async () => {
    const fake = await openDialog()
    await page.getByTestId('danger-name').fill(NAME)
    const actor = { user: 'otto', uid: 2002, role: 'operator' as const, claimedActor: null }
    fake.begin(HOST, fake.environment(HOST, NAME)!, { kind: 'stop', actor, step: 'stop-guest', stepIndex: 1 })
    await until(() => element('danger-confirm').dataset['block']?.startsWith('Stop by otto') === true, 'the reason')
    element('danger-confirm').click()
    expect(runs(fake)).toHaveLength(0)
  })

  it('says why there is no plan, and asks for one again', async () => {
    const fake = await openDialog({
      prepare: (app) =>
        app.refuse('host.environments.destroy.plan', new PilothouseError('operation_in_flight', 'Stop by otto runs.')),
    })
    await says('failure', 'Stop by otto runs.')
    await page.getByTestId('danger-replan').click()
    await expect.element(page.getByTestId('danger-plan')).toBeVisible()
    expect(runs(fake)).toHaveLength(0)
  })

  it('keeps everything when Escape is pressed', async () => {
    const fake = await openDialog()
    await expect.element(page.getByTestId('danger-plan')).toBeVisible()
    await userEvent.keyboard('{Escape}')
    await until(() => !isOpen(), 'closed')
    expect(runs(fake)).toHaveLength(0)
    await until(() => document.activeElement === element('actions'), 'the focus is back')
  })

  it('spells out how recover, reset and destroy differ', async () => {
    await openDialog({ kind: 'reset' })
    await page
      .getByTestId('difference')
      .getByText(/What is the difference/)
      .click()
    await says('difference', 'Brings the environment back with its home')
    await says('difference', 'Destroys the home and starts fresh from the image.')
    await says('difference', 'Removes the guest and its home for good.')
  })
})
