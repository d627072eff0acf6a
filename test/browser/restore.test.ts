import { describe, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { OperationResult } from '../../src-shared/model/operation-result.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { FakeApp } from '../support/fake-app.ts'
import { connected } from '../support/fake-app-samples.ts'
import { element, says, until } from './mount.ts'
import { choose, HOST, isThere, NAME, opened, point, RUN, runs, undoKept } from './restore-hands.ts'

const PLAN = 'host.restore.plan'
const blockOf = (testId: string): string | undefined => element(testId).dataset['block']

async function planned(prepare?: (fake: FakeApp) => void): Promise<FakeApp> {
  const fake = await opened({ prepare })
  await until(() => isThere('point-choice'), 'the points')
  await page.getByTestId('restore-point-confirm').click()
  return fake
}

async function confirming(prepare?: (fake: FakeApp) => void): Promise<FakeApp> {
  const fake = await planned(prepare)
  await until(() => isThere('restore-plan'), 'the plan')
  await page.getByTestId('restore-plan-step-confirm').click()
  await until(() => isThere('restore-name'), 'the confirmation')
  return fake
}

async function begun(): Promise<{ fake: FakeApp; operation: Operation }> {
  const fake = await confirming()
  await page.getByTestId('restore-name').fill(NAME)
  await page.getByTestId('restore-confirm').click()
  await until(() => isThere('follow'), 'the progress')
  return { fake, operation: fake.running(HOST) }
}

const observedOf = (fake: FakeApp) => fake.environment(HOST, NAME)!.observed

describe('choosing a point', () => {
  it('proposes the newest good one, and says what is against the ones that it passes over', async () => {
    await opened({
      action: null,
      prepare: (fake) => {
        const [newest, ...rest] = fake.backups.pointsOf(fake.environment(HOST, NAME)!)
        fake.backups.points.set(newest!.environmentId, [{ ...newest!, unreadableCount: 2 }, ...rest])
      },
    })
    await page.getByTestId('restore').click()
    await until(() => choose.picked() !== null, 'one is chosen')
    expect(choose.picked()).toBe(choose.all()[1])
    await says('point-doubt', 'is passed over: it is incomplete')
    expect(choose.all()[0]?.textContent).toContain('incomplete: 2 files could not be read')
  })

  it('tells of each point when, how old, how much, where, how, how far it is proven, and its tags', async () => {
    await opened()
    await until(() => isThere('point-choice'), 'the points')
    const [newest, second, third, fourth] = choose.all().map((each) => each.textContent.replaceAll(/\s+/g, ' '))
    expect(newest).toMatch(/\d\d:\d\d UTC\S* · 38 min ago · made by lon-1.example.net/)
    expect(newest).toMatch(/1\.3 GiB · 48,211 entries.*Quiesced.*never verified.*never drilled/)
    expect(second).toMatch(/verified \d+ \w+ ago/)
    expect(third).toContain('before-upgrade')
    expect(fourth).toMatch(/Journal replayed.*passed a drill/)
  })

  it('writes out what a name of a host or a tag hides', async () => {
    await opened({
      prepare: (fake) => {
        const [newest] = fake.backups.pointsOf(fake.environment(HOST, NAME)!)
        const said = { hostName: 'lon\u202E1', tags: ['a\u001Bb'] }
        fake.backups.points.set(newest!.environmentId, [{ ...newest!, ...said }])
      },
    })
    await until(() => isThere('point-choice'), 'the points')
    expect(element('point-choice').textContent).toContain(String.raw`lon\u{202e}1`)
    expect(element('point-choice').textContent).toContain(String.raw`a\u{1b}b`)
  })

  it('says why nothing can be planned: the role, and what runs on the environment', async () => {
    const fake = await opened()
    await until(() => isThere('point-choice'), 'the points')
    fake.setConnection(HOST, connected('operator'))
    await until(() => blockOf('restore-point-confirm')?.includes('admin role') === true, 'the role')
    fake.setConnection(HOST, connected('admin'))
    const actor = { user: 'otto', uid: 2002, role: 'operator' as const, claimedActor: null }
    fake.begin(HOST, fake.environment(HOST, NAME)!, { kind: 'stop', actor, step: 'stop-guest', stepIndex: 1 })
    await until(() => blockOf('restore-point-confirm')?.startsWith('Stop by otto') === true, 'the operation')
    element('restore-point-confirm').click()
    expect(runs(fake, PLAN)).toHaveLength(0)
  })
})

describe('the plan', () => {
  it('is asked for exactly what was chosen, and says so on the command line', async () => {
    const fake = await opened()
    await until(() => isThere('point-choice'), 'the points')
    await userEvent.keyboard('{ArrowDown}{ArrowDown}')
    await page.getByTestId('restore-stop-now').click()
    const { id } = point(fake, 2)
    await says('cli', `--point ${id.slice(0, 16)} --stop-now`)
    await page.getByTestId('restore-point-confirm').click()
    await until(() => isThere('restore-plan'), 'the plan')
    expect(runs(fake, PLAN)).toMatchObject([{ point: id, isStopNow: true }])
    await says('restore-facts', 'From the beginning on')
  })

  it('says what the host does meanwhile, and is given up at a press', async () => {
    let release: () => void = () => undefined
    const fake = await planned((app) => (release = app.hold(PLAN)))
    await says('plan-computing', 'counts what would be lost')
    expect(blockOf('restore-plan-step-confirm')).toBe('The host is computing the plan.')
    await page.getByTestId('plan-cancel').click()
    await until(() => isThere('point-choice'), 'back at the points')
    release()
    await page.getByTestId('restore-point-confirm').click()
    await until(() => isThere('restore-plan'), 'another plan')
    expect(runs(fake, RUN)).toHaveLength(0)
  })

  it('shows every line of the host’s text, and the same facts laid out', async () => {
    const fake = await planned(undoKept)
    await until(() => isThere('restore-plan'), 'the plan')
    const shown = element('restore-plan').textContent
    for (const line of ['is replaced.', 'The guest stops for about 40 s.', 'is lost, if it is not undone.']) {
      expect(shown).toContain(line)
    }
    const facts = element('restore-facts').textContent.replaceAll(/\s+/g, ' ')
    expect(facts).toMatch(/38 added\s*1,204 changed\s*12 removed/)
    expect(facts).toContain('512 MiB written, 4 MiB removed')
    expect(facts).toContain('A home that is kept for an earlier undo is removed.')
    expect(facts).toContain('212 GiB free')
    await says('restore-expiry', /until \d\d:\d\d:\d\d \([45]:\d\d left\)/)
    expect(runs(fake, RUN)).toHaveLength(0)
  })

  it('says why nothing was counted', async () => {
    await planned((fake) => {
      fake.restores.plan = { loss: { kind: 'not_counted', why: 'Another backup reads it.', sinceLatest: null } }
    })
    await says('fact-loss', /Not counted\.\s+Another backup reads it\./)
  })

  it('says why there is none, and is asked for again', async () => {
    await planned((fake) => fake.refuse(PLAN, new PilothouseError('repository_unreachable', 'It did not answer.')))
    await says('failure', 'It did not answer.')
    await page.getByTestId('plan-again').click()
    await until(() => isThere('restore-plan'), 'the plan')
  })

  it('is made anew once it has expired, and once the environment has changed, saying what is otherwise', async () => {
    const fake = await planned((app) => (app.ticketLivesMs = 1200))
    await says('restore-expiry', 'This permission has expired.')
    expect(blockOf('restore-plan-step-confirm')).toContain('expired')
    fake.ticketLivesMs = 300_000
    await page.getByTestId('restore-renew').click()
    await says('plan-changes', 'nothing but its times')
    const { id, generation } = fake.environment(HOST, NAME)!
    fake.changeEnvironment(HOST, id, { generation: generation + 1 })
    await says('plan-outdated', `its generation was ${generation} and is ${generation + 1}`)
    await page.getByTestId('plan-renew').click()
    await says('plan-changes', `generation: was ${generation}, is ${generation + 1}`)
  })
})

describe('confirming', () => {
  it('takes the typed name, and runs that plan once, with the reason', async () => {
    const fake = await confirming()
    await page.getByTestId('restore-name').fill('billing-work')
    expect(blockOf('restore-confirm')).toBe(`Type ${NAME} to confirm.`)
    await page.getByTestId('restore-name').fill(NAME)
    await page.getByTestId('restore-reason').fill(' bad deploy ')
    await says('cli', 'pilothouse restore run billing-worker --point')
    const release = fake.hold(RUN)
    element('restore-confirm').click()
    element('restore-confirm').click()
    await userEvent.keyboard('{Enter}{Enter}{Escape}')
    await until(() => runs(fake, RUN).length > 0, 'sent')
    expect(isThere('restore-guide')).toBe(true)
    release()
    await until(() => isThere('follow'), 'the progress')
    expect(runs(fake, RUN)).toMatchObject([{ confirmName: NAME, reason: 'bad deploy' }])
  })

  it('says what has changed since an outdated plan, and plans again', async () => {
    const details = { changes: ['the guest was stopped'] }
    const fake = await confirming((app) => app.refuse(RUN, new PilothouseError('plan_outdated', 'It is.', { details })))
    await page.getByTestId('restore-name').fill(NAME)
    await page.getByTestId('restore-confirm').click()
    await says('restore-changes', 'the guest was stopped')
    expect(blockOf('restore-confirm')).toBe('Read the new plan first.')
    await page.getByTestId('restore-replan').click()
    await until(() => isThere('restore-plan'), 'the new plan')
    expect(runs(fake, PLAN)).toHaveLength(2)
  })

  it('asks again with the same command when no answer came', async () => {
    const fake = await confirming((app) => app.refuse(RUN, new PilothouseError('deadline_exceeded', 'No answer.')))
    await page.getByTestId('restore-name').fill(NAME)
    await page.getByTestId('restore-confirm').click()
    await expect.element(page.getByText('No answer came. Pressing again cannot do it twice.')).toBeVisible()
    await page.getByTestId('restore-confirm').click()
    await until(() => isThere('follow'), 'accepted')
    const [first, second] = runs(fake, RUN)
    expect(second?.['commandId']).toBe(first?.['commandId'])
  })

  it('is reached and done by keyboard alone', async () => {
    const fake = await opened()
    await until(() => document.activeElement?.getAttribute('data-testid') === 'point-choices', 'the list has the focus')
    await userEvent.keyboard('{ArrowDown}{Enter}')
    await until(() => document.activeElement?.getAttribute('aria-label') === 'The plan of the host', 'the plan has it')
    element('restore-plan-step-confirm').focus()
    await userEvent.keyboard('{Enter}')
    await until(() => document.activeElement?.getAttribute('data-testid') === 'restore-name', 'the name has it')
    await userEvent.keyboard(`${NAME}{Enter}`)
    await until(() => isThere('follow'), 'the progress')
    await until(() => element('follow').contains(document.activeElement), 'the focus is in it')
    expect(runs(fake, PLAN)).toMatchObject([{ point: point(fake, 1).id }])
  })
})

describe('its progress', () => {
  it('is told step by step, with bytes, rate and one clock, and what cancelling does', async () => {
    const { fake, operation } = await begun()
    const progress = { doneBytes: 2 ** 29, totalBytes: 2 ** 30, doneFiles: 10, totalFiles: 20, bytesPerSecond: 2 ** 20 }
    fake.changeOperation(HOST, operation.id, { step: 'restore', stepIndex: 3, progress })
    await says('operation-progress', '512 MiB of 1 GiB · 10 of 20 files · 1 MiB/s')
    const current = () => document.querySelector('[data-testid=follow-steps] [aria-current=step]')?.textContent ?? ''
    await until(() => current().includes('Restore the point into the new home'), 'the step')
    await says('follow-clock', /^0:\d\d$/)
    await says('cancel-says', 'The present home stays, and the guest is as it was.')
    fake.changeOperation(HOST, operation.id, { step: 'swap_home', stepIndex: 7, isCancellable: false, progress: null })
    await says('cancel-says', 'This step cannot be cancelled')
    element('follow-cancel').click()
    expect(runs(fake, 'host.operations.cancel')).toHaveLength(0)
  })

  it('is cancelled at a press, and says what is left', async () => {
    const { fake, operation } = await begun()
    await page.getByTestId('follow-cancel').click()
    await says('follow-kept', 'The old home is in place')
    expect(fake.states.get(HOST)?.operations.find(({ id }) => id === operation.id)?.status.kind).toBe('cancelled')
  })

  it('is an admin’s to cancel, as it was to begin, and says so to everybody else', async () => {
    const { fake } = await begun()
    fake.setConnection(HOST, connected('operator'))
    await until(() => blockOf('follow-cancel')?.includes('Needs the admin role') === true, 'the role')
    element('follow-cancel').click()
    expect(runs(fake, 'host.operations.cancel')).toHaveLength(0)
    fake.setConnection(HOST, connected('admin'))
    await until(() => blockOf('follow-cancel') === undefined, 'it can be pressed')
  })

  it('goes on when it is left by Escape, and is found again on the page and in the record', async () => {
    const { fake, operation } = await begun()
    await userEvent.keyboard('{Escape}')
    await until(() => !isThere('follow'), 'left')
    expect(runs(fake, 'host.operations.cancel')).toHaveLength(0)
    await page.getByTestId('follow-running').click()
    await until(() => isThere('follow'), 'found again on the page')
    await userEvent.keyboard('{Escape}')
    await until(() => !isThere('follow'), 'left again')
    fake.finish(HOST, operation, observedOf(fake))
    await page.getByTestId('operation-follow').first().click()
    await until(() => isThere('follow'), 'found again in the record')
    expect(element('follow').dataset['status']).toBe('succeeded')
  })
})

describe('its end', () => {
  it('says what was verified, and offers the undo with its deadline and cost', async () => {
    const { fake, operation } = await begun()
    const until_ = Date.now() + 24 * 3_600_000
    undoKept(fake)
    const home = fake.environment(HOST, NAME)!.home.id
    const undo = { homeId: home, until: until_, bytes: 2 ** 30 }
    const result: OperationResult = {
      kind: 'restore',
      pointId: point(fake, 0).id,
      homeId: home,
      verified: ['It is sound.'],
      undo,
    }
    fake.changeOperation(HOST, operation.id, { result })
    fake.finish(HOST, operation, observedOf(fake))
    await says('result-verified', 'It is sound.')
    await says('result-undo', /The earlier home is kept until .* left\)\. It takes 1 GiB on the host/)
    await page.getByTestId('follow-undo').click()
    await until(() => isThere('undo-plan'), 'the plan of the undo')
    expect(isThere('follow')).toBe(false)
  })

  it('says, of a failure, what happened, which home there is, what to do, and the request', async () => {
    const { fake, operation } = await begun()
    const fail = (details: Record<string, unknown>) => {
      const options = { requestId: operation.requestId, details }
      const failure = new PilothouseError('engine_failed', 'The check found damage.', options).toFailure()
      fake.changeOperation(HOST, operation.id, { status: { kind: 'failed', endedAt: Date.now(), failure } })
    }
    fail({})
    await says('follow-failure', 'The check found damage.')
    await says('follow-kept', 'The old home is in place, and the guest is as it was before.')
    await says('failure-request-id', operation.requestId)
    fail({ rollbackFailedAt: 'start_guest', oldHomeId: 'home-1', newHomeId: 'home-2' })
    await says('follow-kept', 'Every home is kept for review: home-1 and home-2')
  })

  it('is told on another page when it was not seen, with the way to what came of it', async () => {
    const { fake, operation } = await begun()
    await page.getByTestId('follow-close').click()
    location.hash = '/hosts'
    await until(() => isThere('host-state'), 'another page')
    fake.finish(HOST, operation, observedOf(fake))
    await expect.element(page.getByText(`Restore done: ${NAME}`).first()).toBeVisible()
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await until(() => isThere('follow'), 'what came of it')
  })

  it('is not told once more when it was seen', async () => {
    const { fake, operation } = await begun()
    fake.finish(HOST, operation, observedOf(fake))
    await until(() => element('follow').dataset['status'] === 'succeeded', 'seen')
    location.hash = '/hosts'
    await until(() => isThere('host-state'), 'another page')
    await page.getByTestId('follow-close').click()
    await until(() => !isThere('follow'), 'closed')
    await new Promise((resolve) => requestAnimationFrame(resolve))
    expect(document.body.textContent).not.toContain(`Restore done: ${NAME}`)
  })
})
