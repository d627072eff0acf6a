import type { Page } from 'playwright'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostId, OperationId } from '../../src-shared/model/ids.ts'
import type { StepEntry } from '../../src-shared/model/operation.ts'
import type { FakeApp } from '../support/fake-app.ts'
import { sampleLeftovers } from '../support/fake-app-leftovers.ts'
import { connected, sampleFleet, sampleHost } from '../support/fake-app-samples.ts'
import type { Scene } from './scenes.ts'

const LON = 'host-00000001' as HostId
const LON2 = 'host-00000002' as HostId
const FRA = 'host-00000003' as HostId
const MINUTE = 60_000
const OPERATION = 'op-00000000000000c1' as OperationId

const visible = (page: Page, id: string) => page.getByTestId(id).first().waitFor({ timeout: 5000 })
const ADA = { user: 'ada', uid: 2001, role: 'admin', claimedActor: 'op@desk-1' }
const OTTO = { user: 'otto', uid: 2002, role: 'operator', claimedActor: null }
const BILLING = { environmentId: 'env-9e3779b1', environmentName: 'billing-worker' }
const NOTEBOOK = { environmentId: 'env-3c6ef362', environmentName: 'notebook' }

export const SAMPLE_PLAN = [
  'Reset billing-worker (env-9e3779b1) of acme on lon-1.example.net.',
  'Its home of 4 GiB, with 1.3 GiB of data last written 12:02, is destroyed for good.',
  'Nothing of the old home is kept: no backup of it exists.',
  'It starts fresh from minimal@1; expected downtime is about 20 s.',
].join('\n')

function step(name: string, index: number, more: Partial<StepEntry> = {}): StepEntry {
  const startedAt = Date.now() - 9 * MINUTE + index * 900
  const ended = { endedAt: startedAt + 840, outcome: 'done' as const, detail: null }
  return { direction: 'forward', step: name, stepIndex: index, attempt: null, startedAt, ...ended, ...more }
}

export const SAMPLE_STEPS = [
  step('stop-guest', 0),
  step('destroy-home', 1),
  step('make-home', 2),
  step('start-guest', 3, { attempt: 1, outcome: 'failed', detail: 'QEMU ended with status 1: no space left.' }),
  step('start-guest', 3, { attempt: 2 }),
  step('wait-until-ready', 4),
]

/** A morning on two hosts. */
export function withRecord(app: FakeApp): void {
  const now = Date.now()
  let minute = 60
  const note = (hostId: HostId, more: object): void => {
    minute -= 2.3
    app.activity.append(hostId, { at: Math.round(now - minute * MINUTE), actor: ADA, ...more })
  }
  note(LON, { action: 'owner.put', detail: { name: 'acme', isActive: true, limit: 3, note: 'billing' } })
  note(LON, { ...BILLING, action: 'spawn', outcome: 'accepted' })
  note(LON, { ...BILLING, action: 'spawn', outcome: 'succeeded' })
  note(LON2, { ...NOTEBOOK, actor: OTTO, action: 'recover', outcome: 'accepted' })
  note(LON2, {
    ...NOTEBOOK,
    actor: OTTO,
    action: 'recover',
    outcome: 'failed',
    detail: { code: 'home_gone', message: 'Its home is gone.' },
  })
  note(LON, { ...BILLING, actor: OTTO, action: 'console.typing', outcome: 'claimed' })
  note(LON, { ...BILLING, action: 'console.typing', outcome: 'taken_over', detail: { from: { user: 'otto' } } })
  const gone = { bootId: 'boot-0000000000000001', detail: 'Its process ended at 09:41.' }
  note(LON, { ...BILLING, actor: null, requestId: null, action: 'guest.gone', outcome: 'lost', detail: gone })
  const refused = { code: 'ticket_used', message: 'The ticket has been used by op-00000000000000c1.' }
  note(LON, { ...BILLING, action: 'reset.plan', outcome: 'planned', detail: { planHash: 'ab12', text: SAMPLE_PLAN } })
  const accepted = { text: SAMPLE_PLAN, reason: 'its data set is broken, agreed with acme' }
  note(LON, { ...BILLING, operationId: OPERATION, action: 'reset', outcome: 'accepted', detail: accepted })
  note(LON, { ...BILLING, action: 'reset', outcome: 'refused', detail: refused })
  note(LON2, { ...NOTEBOOK, actor: null, action: 'stop', outcome: 'resumed', detail: { step: 'stop-guest' } })
  note(LON, { ...BILLING, operationId: OPERATION, action: 'reset', outcome: 'succeeded' })
  note(LON2, { ...NOTEBOOK, action: 'protection.set', detail: { isProtected: true } })
  const failed = { code: 'engine_failed', message: 'QEMU ended with status 1 before the agent answered.' }
  note(LON2, { ...NOTEBOOK, actor: OTTO, action: 'start', outcome: 'failed', detail: failed })
  app.activity.steps.set(OPERATION, SAMPLE_STEPS)
  for (const hostId of [LON, LON2, FRA]) {
    const state = app.states.get(hostId)
    if (state !== undefined) state.activityHead = app.activity.head(hostId)
  }
}

const row = (page: Page, action: string) => page.locator(`[data-testid=activity-row][data-action="${action}"]`).first()

export const RECORD_SCENES: readonly Scene[] = [
  {
    name: 'activity',
    path: '/activity',
    sizes: ['wide', 'narrow', 'huge'],
    fleet: () => sampleFleet(19),
    prepare: withRecord,
    arrive: (page) => visible(page, 'activity-row'),
  },
  {
    name: 'activity-open',
    path: '/activity',
    fleet: () => sampleFleet(19),
    prepare: withRecord,
    arrive: async (page, app) => {
      await page.locator('[data-testid=activity-row][data-action=reset][data-outcome=accepted] .columns').click()
      await visible(page, 'journal-step')
      app.note(LON, { ...BILLING, action: 'stop', outcome: 'accepted' })
      app.note(LON, { ...BILLING, action: 'stop', outcome: 'succeeded' })
      await visible(page, 'activity-news')
    },
  },
  {
    name: 'activity-full',
    path: `/activity?host=${LON}`,
    sizes: ['wide'],
    fleet: () => sampleFleet(19),
    prepare: (app) => {
      for (let count = 0; count < 10_000; count += 1)
        app.activity.append(LON, { ...BILLING, at: Date.now() - 1e7 + count })
    },
    arrive: (page) => visible(page, 'activity-row'),
  },
  {
    name: 'activity-empty',
    path: '/activity',
    sizes: ['wide'],
    fleet: () => ({ hosts: [sampleHost(0)] }),
    arrive: (page) => visible(page, 'empty'),
  },
  {
    name: 'activity-failing',
    path: '/activity',
    sizes: ['wide'],
    fleet: () => sampleFleet(19),
    prepare: (app) => {
      withRecord(app)
      app.refuse('host.activity.list', new PilothouseError('storage_failed', 'The record could not be read from disk.'))
    },
    arrive: async (page) => {
      await visible(page, 'failure')
      await row(page, 'start').waitFor()
    },
  },
  {
    name: 'activity-verify',
    path: '/activity',
    fleet: () => sampleFleet(19),
    prepare: (app) => {
      withRecord(app)
      const says =
        'Consistent in itself; this console has pinned no head of it, so nothing says that it is the record it was.'
      app.activity.verdicts.set(LON2, { kind: 'unanchored', anchor: null, says })
      const broken = 'Entry 4 is not what was chained: its text was changed after it was written.'
      app.activity.verdicts.set(FRA, { kind: 'broken', brokenAt: 4, entryCount: 12, says: broken })
    },
    arrive: async (page) => {
      await page.getByTestId('verify-open').click()
      for (const host of ['lon-1', 'lon-2', 'fra-1'])
        await page.locator(`[data-testid=chain][data-host=${host}]`).getByTestId('verify').click()
      await page.getByTestId('verdict').nth(2).waitFor()
    },
  },
  {
    name: 'owners',
    path: '/owners',
    sizes: ['wide', 'narrow', 'huge'],
    fleet: () => sampleFleet(19),
    arrive: (page) => visible(page, 'owner'),
  },
  {
    name: 'owners-edit',
    path: '/owners',
    fleet: () => sampleFleet(19),
    arrive: async (page) => {
      await page
        .locator('[data-testid=host-owners][data-host=lon-1] [data-name=northwind]')
        .getByTestId('owner-edit')
        .click()
      await page.getByTestId('owner-unlimited').click()
      await page.getByTestId('owner-limit').fill('2')
      await page.getByTestId('owner-active').click()
      await visible(page, 'owner-consequences')
    },
  },
  {
    name: 'owners-add',
    path: '/owners',
    sizes: ['wide'],
    fleet: () => sampleFleet(19),
    arrive: async (page) => {
      await page.locator('[data-testid=host-owners][data-host=lon-1]').getByTestId('owner-add').click()
      await page.getByTestId('owner-name').fill('Acme Corp')
      await page.getByTestId('owner-limit').fill('0')
      await page.getByTestId('owner-save').click()
      await page.getByText('0 is less than 1').waitFor()
    },
  },
  {
    name: 'leftovers',
    path: `/leftovers?host=${LON}`,
    fleet: () => sampleFleet(19),
    prepare: (app) => {
      app.leftovers.items = sampleLeftovers()
      app.leftovers.problems = ['The folder of sockets could not be listed: permission denied.']
    },
    arrive: async (page) => {
      await page.getByRole('checkbox', { name: 'All files of boots' }).click()
      await page.getByText('clean-up of 2').waitFor()
    },
  },
  {
    name: 'leftovers-plan',
    path: `/leftovers?host=${LON}`,
    fleet: () => sampleFleet(19),
    prepare: (app) => void (app.leftovers.items = sampleLeftovers()),
    arrive: async (page) => {
      await page.getByRole('checkbox', { name: 'All homes', exact: true }).click()
      await page.getByRole('checkbox', { name: 'All guests' }).click()
      await page.getByTestId('clean-up').click()
      await visible(page, 'clean-up-loss')
    },
  },
  {
    name: 'leftovers-done',
    path: `/leftovers?host=${LON}`,
    sizes: ['wide'],
    fleet: () => sampleFleet(19),
    prepare: (app) => {
      app.leftovers.items = sampleLeftovers()
      app.leftovers.stubborn.set('guest:boot-00000000000000a1', 'Process 4121 did not end within 20 s.')
    },
    arrive: async (page) => {
      await page.getByRole('checkbox', { name: 'All guests' }).click()
      await page.getByRole('checkbox', { name: 'All files of boots' }).click()
      await page.getByTestId('clean-up').click()
      await page.getByTestId('clean-up-confirm').click()
      await visible(page, 'clean-up-result')
    },
  },
  {
    name: 'leftovers-viewer',
    path: `/leftovers?host=${LON}`,
    sizes: ['wide'],
    fleet: () => ({ hosts: [sampleHost(0, connected('viewer'))] }),
    prepare: (app) => void (app.leftovers.items = sampleLeftovers()),
    arrive: (page) => visible(page, 'leftover'),
  },
  {
    name: 'operations-steps',
    path: '/operations',
    fleet: () => sampleFleet(60),
    prepare: (app) => {
      const first = app.states.get(LON)?.operations[0]
      if (first === undefined) throw new Error('The fake has no operation.')
      app.changeOperation(LON, first.id, { kind: 'reset', requestedAt: Date.now() - 9 * MINUTE })
      app.activity.steps.set(first.id, SAMPLE_STEPS)
      app.activity.append(LON, { action: 'give_way', operationId: 'op-00000000000000b1', requestId: first.requestId })
    },
    arrive: async (page) => {
      await page.locator('[data-testid=operation-row][data-kind=reset]').getByTestId('operation-steps').click()
      await visible(page, 'gave-way')
    },
  },
]
