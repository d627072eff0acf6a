import { describe, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Environment } from '../../src-shared/model/environment.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import type { Role } from '../../src-shared/model/role.ts'
import { FakeApp } from '../support/fake-app.ts'
import { connected, failureWith, sampleFleet } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const HOST = 'host-00000001' as HostId
const NAME = 'billing-worker'
const OTTO = { user: 'otto', uid: 2002, role: 'operator' as const, claimedActor: null }

async function openPage(change: Partial<Environment> = {}, role: Role = 'admin'): Promise<FakeApp> {
  const fake = new FakeApp(sampleFleet(8))
  const { id } = fake.environment(HOST, NAME)!
  fake.changeEnvironment(HOST, id, change)
  fake.setConnection(HOST, connected(role))
  await mountPilothouse(fake, `/environments/${HOST}/${id}`)
  await until(() => document.querySelector('[data-testid=actions]') !== null, 'the page')
  return fake
}

const stopped = { observed: { kind: 'stopped', since: 0 }, desired: 'stopped' } as const
const blockOf = (testId: string) => element(testId).dataset['block']
const callsOf = (fake: FakeApp, verb: string) => fake.calls.filter(({ path }) => path === `host.environments.${verb}`)
const phase = () => document.querySelector('[data-testid=phases]')?.getAttribute('data-phase')
const idOf = (fake: FakeApp) => fake.environment(HOST, NAME)!.id

describe('what can be done with an environment', () => {
  it('says for each action why it cannot be pressed: the state', async () => {
    await openPage()
    expect(blockOf('start')).toBe('It is already running.')
    expect(blockOf('stop')).toBeUndefined()
    await page.getByTestId('actions').click()
    expect(blockOf('resize')).toBe('Only a stopped environment can be resized; it is running.')
    expect(blockOf('reset')).toBeUndefined()
  })

  it('says who holds it, with what, at which step, within a second of its beginning', async () => {
    const fake = await openPage()
    fake.begin(HOST, fake.environment(HOST, NAME)!, { kind: 'reboot', actor: OTTO, step: 'end-guest', stepIndex: 1 })
    await until(() => blockOf('stop') !== undefined, 'the block', 1000)
    expect(blockOf('stop')).toMatch(/^Reboot by otto is running: end guest · step 2 of 5, \d s\.$/)
    await page.getByTestId('actions').click()
    await says('actions-block', 'Reboot by otto is running')
    expect(blockOf('destroy')).toContain('Reboot by otto')
    expect(blockOf('rename')).toBeUndefined()
    element('destroy').click()
    expect(document.querySelector('[data-testid=danger-dialog]')).toBeNull()
  })

  it('says which role is needed', async () => {
    await openPage({}, 'operator')
    await page.getByTestId('actions').click()
    expect(blockOf('reset')).toBe('Needs the admin role; you are operator on lon-1.')
    expect(blockOf('protection')).toContain('admin role')
    expect(blockOf('reboot')).toBeUndefined()
  })

  it('says that it is protected, and lets that be switched off only after a question', async () => {
    const fake = await openPage({ isProtected: true })
    await page.getByTestId('actions').click()
    expect(blockOf('reset')).toBe('Deletion protection is on; switch it off first.')
    expect(blockOf('destroy')).toBe('Deletion protection is on; switch it off first.')
    await page.getByTestId('protection').click()
    expect(callsOf(fake, 'setProtection')).toHaveLength(0)
    await page.getByTestId('protection-confirm').click()
    await says('protection-state', 'off')
    await page.getByTestId('actions').click()
    await page.getByTestId('protection').click()
    await says('protection-state', 'on')
    expect(callsOf(fake, 'setProtection').map(({ input }) => input)).toMatchObject([
      { isProtected: false },
      { isProtected: true },
    ])
  })

  it('keeps a malformed record from everything but destroy', async () => {
    await openPage({ quarantine: 'Its recorded size is -1.' })
    await says('quarantine', 'Its recorded size is -1.')
    await says('quarantine', 'destroy still work')
    await page.getByTestId('actions').click()
    for (const action of ['stop', 'recover', 'reset', 'rename']) expect(blockOf(action)).toContain('quarantined')
    expect(blockOf('destroy')).toBeUndefined()
  })

  it('says that the home is gone, and offers nothing that would start without it', async () => {
    const fake = new FakeApp(sampleFleet(8))
    const { home } = fake.environment(HOST, NAME)!
    await openPage({ home: { ...home, goneAt: Date.now() }, observed: { kind: 'lost', since: 0, detail: 'It ended.' } })
    await says('home-gone', 'Start and recover do not go on without it.')
    await says('outcome-kept', 'Its home is gone.')
    await page.getByTestId('outcome').getByText('Recover…').click()
    await says('recover-home', 'nothing is ever started without it')
  })

  it('lets a blocked action be reached by keyboard, where it says why and does nothing', async () => {
    const fake = await openPage()
    element('actions').focus()
    await userEvent.keyboard('{Enter}')
    await until(() => document.activeElement === element('reboot'), 'the first item has the focus')
    await userEvent.keyboard('{ArrowDown}')
    await until(() => document.activeElement === element('resize'), 'the blocked one, too')
    expect(element('resize').getAttribute('aria-disabled')).toBe('true')
    expect(element('resize').textContent).toContain('Only a stopped environment can be resized; it is running.')
    await userEvent.keyboard('{Enter}')
    expect(document.querySelector('[data-testid=resize]')).not.toBeNull()
    await userEvent.keyboard('{Escape}')
    await until(() => document.activeElement === element('actions'), 'the focus is back')
    expect(callsOf(fake, 'resize')).toHaveLength(0)
  })

  it('spells the promises out where one chooses', async () => {
    await openPage()
    await page.getByTestId('actions').click()
    await says('menu-recover', 'Brings the environment back with its home')
    await says('reset', 'Destroys the home and starts fresh from the image.')
    await says('destroy', 'Removes the guest and its home for good.')
  })
})

describe('the view of a start', () => {
  it('serves a start of what is there, from the click on, with one clock and the attempt of the host', async () => {
    const fake = await openPage(stopped)
    const release = fake.hold('host.environments.start')
    element('start').click()
    await until(() => phase() === 'requested', 'the first phase')
    expect(element('attempt').textContent).toBe('')
    expect(element('request-id').title).toBe(callsOf(fake, 'start')[0]?.requestId)
    release()
    await until(() => fake.environment(HOST, NAME)?.operationId !== null, 'accepted')
    const { id } = fake.running(HOST)
    fake.changeOperation(HOST, id, { phase: 'booting_guest', attempt: 1 })
    await until(() => phase() === 'booting_guest', 'booting')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    fake.changeOperation(HOST, id, { phase: 'provisioning_vm', attempt: 2 })
    await until(() => phase() === 'provisioning_vm', 'the second attempt begins anew')
    expect(element('attempt').textContent).toContain('attempt 2')
    expect(element('elapsed').textContent).toMatch(/^\s*0:0[1-9]/)
  })

  it('sends one command however often the button is pressed', async () => {
    const fake = await openPage(stopped)
    const start = element('start')
    start.click()
    start.click()
    start.click()
    await until(() => fake.environment(HOST, NAME)?.operationId !== null, 'accepted')
    expect(callsOf(fake, 'start')).toHaveLength(1)
  })

  it('says what failed, what was kept and what to do, and recovers in the same view', async () => {
    const fake = await openPage(stopped)
    element('start').click()
    await until(() => fake.environment(HOST, NAME)?.operationId !== null, 'accepted')
    const operation = fake.running(HOST)
    fake.changeOperation(HOST, operation.id, { phase: 'booting_guest', attempt: 1 })
    const observed = { since: Date.now(), reason: 'guest_exited', phase: 'booting_guest', detail: '' } as const
    const failure = failureWith('engine_failed', 'The guest ended at 1.2 s.')
    fake.fail(HOST, operation, { failure, observed: { kind: 'failed', ...observed } })
    await says('outcome-title', /Start failed after .* at “Booting”/)
    await says('failure', 'The guest ended at 1.2 s.')
    await says('outcome-kept', 'Its home of 4 GiB is kept.')
    expect(element('failure-request-id').textContent).toBe(operation.requestId)
    expect(element('phases').dataset['failed']).toBe('true')
    const address = location.hash
    await page.getByTestId('retry').click()
    await until(() => phase() === 'requested', 'the same view')
    expect(document.querySelector('[data-testid=outcome]')).toBeNull()
    expect(location.hash).toBe(address)
    expect(callsOf(fake, 'recover')[0]?.input).toMatchObject({ generation: 2 })
    expect(element('elapsed').textContent).toContain('0:00')
  })

  it('tells of a refusal in its own place, and tries again with a new command', async () => {
    const fake = await openPage(stopped)
    fake.refuse('host.environments.start', new PilothouseError('host_limit_reached', 'Too little memory is left.'))
    element('start').click()
    await says('outcome-title', 'Start was not accepted')
    await says('outcome-kept', 'Nothing was changed.')
    await page.getByTestId('retry').click()
    await until(() => callsOf(fake, 'start').length === 2, 'the second')
    const [first, second] = callsOf(fake, 'start').map(({ input }) => (input as { commandId: string }).commandId)
    expect(second).not.toBe(first)
  })

  it('drops its callbacks when it is left: a late refusal changes nothing on any screen', async () => {
    const fake = await openPage(stopped)
    const release = fake.hold('host.environments.start')
    fake.refuse('host.environments.start', new PilothouseError('host_limit_reached', 'Too little memory is left.'))
    element('start').click()
    await until(() => phase() === 'requested', 'the view')
    const address = location.hash
    await page.getByTestId('back').click()
    await expect.element(page.getByTestId('env-table')).toBeVisible()
    release()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(location.hash).toBe('#/environments')
    expect(document.body.textContent).not.toContain('Too little memory is left.')
    location.hash = address
    await until(() => document.querySelector('[data-testid=state-sentence]') !== null, 'the page again')
    expect(document.querySelector('[data-testid=outcome]')).toBeNull()
  })

  it('is found again in the list, and shows the same clock when it is opened from there', async () => {
    const fake = await openPage(stopped)
    element('start').click()
    await until(() => fake.environment(HOST, NAME)?.operationId !== null, 'accepted')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    await page.getByTestId('back').click()
    await page.getByTestId('env-row').filter({ hasText: NAME }).getByTestId('env-open').click()
    await until(() => phase() === 'requested', 'the view again')
    expect(element('elapsed').textContent).toMatch(/^\s*0:0[1-9]/)
    expect(element('elapsed').textContent).toContain('since your click')
  })

  it('shows another person’s recover by the host’s own clock, without a word of a click', async () => {
    const fake = await openPage()
    const environment = fake.environment(HOST, NAME)!
    fake.begin(HOST, environment, { kind: 'recover', actor: OTTO, requestedAt: Date.now() - 65_000 })
    await until(() => phase() === 'requested', 'the view')
    expect(element('elapsed').textContent).toMatch(/^\s*1:0\d/)
    expect(element('elapsed').textContent).toContain('since it was asked for')
  })
})

describe('the dialogs of an environment', () => {
  it('recovers with the generation that was seen and the reason, once', async () => {
    const fake = await openPage()
    const { generation } = fake.environment(HOST, NAME)!
    await page.getByTestId('recover').click()
    await says('recover-home', 'is kept, with everything in it')
    await page.getByTestId('recover-reason').fill('agent silent')
    element('recover-confirm').click()
    await userEvent.keyboard('{Enter}')
    await until(() => document.querySelector('[data-testid=recover-dialog]') === null, 'closed')
    expect(callsOf(fake, 'recover').map(({ input }) => input)).toMatchObject([{ generation, reason: 'agent silent' }])
    expect(phase()).toBe('requested')
  })

  it('resizes what is stopped: only what differs, and the home only grows', async () => {
    const fake = await openPage(stopped)
    await page.getByTestId('actions').click()
    await page.getByTestId('resize').click()
    const isFirst = (it: Element | null) => it?.closest('[data-testid=resize-cpus]') !== null && it?.tagName === 'INPUT'
    await until(() => isFirst(document.activeElement), 'the first field has the focus')
    expect(blockOf('resize-confirm')).toBe('Nothing is different yet.')
    await userEvent.keyboard('{ArrowUp}')
    await expect.element(page.getByText(/1 → 2/)).toBeVisible()
    await userEvent.keyboard('{Enter}')
    await until(() => callsOf(fake, 'resize').length === 1, 'sent')
    expect(callsOf(fake, 'resize')[0]?.input).toMatchObject({ size: { cpus: 2 } })
    expect(Object.keys((callsOf(fake, 'resize')[0]?.input as { size: object }).size)).toEqual(['cpus'])
    await says('details', '2 CPU')
  })

  it('renames, and says inline that a name is taken', async () => {
    await openPage()
    await page.getByTestId('actions').click()
    await page.getByTestId('rename').click()
    await page.getByTestId('rename-name').fill('scratch-pad')
    await page.getByTestId('rename-confirm').click()
    await says('failure', 'There is already an environment called scratch-pad.')
    await page.getByTestId('rename-name').fill('billing-two')
    await userEvent.keyboard('{Enter}')
    await says('env-title', 'billing-two')
    await until(() => document.activeElement === element('actions'), 'the focus is back')
  })

  it('adds and removes labels by keyboard, which the list then finds', async () => {
    const fake = await openPage({ labels: { team: 'red' } })
    await page.getByTestId('actions').click()
    await page.getByTestId('labels').click()
    await until(() => document.activeElement?.getAttribute('data-testid') === 'label-key', 'the focus')
    await userEvent.keyboard('stage{Tab}Canary{Enter}')
    await until(() => document.querySelector('[data-testid=labels-dialog]') === null, 'saved')
    expect(fake.environment(HOST, NAME)?.labels).toEqual({ team: 'red', stage: 'Canary' })
    await page.getByTestId('label').getByText('stage: Canary').click()
    await says('env-count', '1 of 8 shown')
    expect(document.querySelector('[data-testid=env-row]')?.getAttribute('data-id')).toBe(idOf(fake))
  })

  it('says that labels have been changed by someone else meanwhile', async () => {
    const fake = await openPage({ labels: { team: 'red' } })
    await page.getByTestId('actions').click()
    await page.getByTestId('labels').click()
    await until(() => document.querySelector('[data-testid=labels-dialog]') !== null, 'the dialog')
    fake.changeEnvironment(HOST, idOf(fake), { labels: { team: 'green' } })
    await says('labels-dialog', 'have been changed since this was opened')
  })
})

describe('the record of an environment', () => {
  const OTHER = 'env-00000bad' as Environment['id']
  const rows = () => [...document.querySelectorAll<HTMLElement>('[data-testid=activity-row]')]
  const sees = (testId: string) => document.querySelector(`[data-testid=${testId}]`)?.checkVisibility() === true

  async function openRecord(): Promise<FakeApp> {
    const fake = await openPage()
    const about = { environmentId: idOf(fake), environmentName: NAME as Environment['name'] }
    fake.note(HOST, { ...about, action: 'spawn', outcome: 'succeeded' })
    // Another one that once had the same name.
    fake.note(HOST, { ...about, environmentId: OTHER, action: 'destroy', outcome: 'succeeded' })
    fake.note(HOST, { ...about, action: 'recover', outcome: 'failed' })
    return fake
  }

  it('stands beside its operations, by its id alone, and follows', async () => {
    const fake = await openRecord()
    const asked = () => fake.calls.filter(({ path }) => path === 'host.activity.list')
    expect(asked()).toHaveLength(0)
    const before = element('record').getBoundingClientRect()
    await page.getByTestId('record-activity').click()
    await until(() => rows().length === 2, 'its two entries')
    expect(rows().map(({ dataset }) => dataset['action'])).toEqual(['recover', 'spawn'])
    expect(asked()[0]?.input).toMatchObject({ environment: idOf(fake) })
    expect(element('record').getBoundingClientRect()).toEqual(before)
    await page.getByTestId('env-title').hover()
    fake.note(HOST, { environmentId: idOf(fake), action: 'stop', outcome: 'accepted' })
    await until(() => rows()[0]?.dataset['action'] === 'stop', 'the newest')
  })

  it('keeps every row whole and apart in its column', async () => {
    const fake = await openRecord()
    for (let count = 0; count < 20; count += 1)
      fake.note(HOST, { environmentId: idOf(fake), action: 'recover', outcome: 'refused' })
    await page.getByTestId('record-activity').click()
    await until(() => rows().length > 10, 'rows')
    const list = element('activity-list')
    await until(() => {
      list.scrollTop = list.scrollHeight
      return rows().at(-1)?.dataset['seq'] === '1'
    }, 'the oldest')
    expect(list.scrollWidth).toBe(list.clientWidth)
    const boxes = () => [...rows(), element('activity-end')].map((row) => row.getBoundingClientRect())
    const isApart = ({ top }: DOMRect, index: number, all: DOMRect[]) =>
      index === 0 || top > (all[index - 1]?.bottom ?? 0) - 1
    await until(() => boxes().every(isApart), 'no row lies over another')
  })

  it('changes between the two by keyboard, as one stop of the tab key', async () => {
    await openRecord()
    element('record-operations').focus()
    await userEvent.keyboard('{ArrowRight}')
    await until(() => document.activeElement === element('record-activity'), 'the other has the focus')
    expect(element('record-activity').getAttribute('aria-selected')).toBe('true')
    expect(element('record-operations').tabIndex).toBe(-1)
    await userEvent.keyboard('{ArrowRight}')
    await until(() => document.activeElement === element('record-operations'), 'round to the first')
    expect(sees('operations')).toBe(true)
  })

  it('is a tab of its own where the window is narrow', async () => {
    await openRecord()
    await page.viewport(760, 900)
    await until(() => sees('pane-activity') && !sees('record'), 'the narrow page')
    await page.getByTestId('pane-activity').click()
    await until(() => rows().length === 2, 'its entries')
    expect([sees('details'), sees('console'), sees('record-activity')]).toEqual([false, false, false])
    await page.getByTestId('pane-details').click()
    await until(() => sees('details') && sees('operations'), 'the details again')
  })
})
