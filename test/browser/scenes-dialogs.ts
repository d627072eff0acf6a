import { PilothouseError } from '../../src-shared/error.ts'
import { sampleFleet } from '../support/fake-app-samples.ts'
import { HOST, first, visible, withConsole, drawn, pressed, type Scene } from './scene.ts'

/** The menu of an environment's page, and the dialogs that it opens. */
export const DIALOG_SCENES: readonly Scene[] = [
  {
    name: 'actions',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    prepare: withConsole,
    arrive: async (page) => {
      await drawn(page)
      await page.getByTestId('actions').click()
      await visible(page, 'reset')
    },
  },
  {
    name: 'actions-blocked',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    sizes: ['wide'],
    prepare: (app) => {
      withConsole(app)
      const environment = app.environment(HOST, first())
      const actor = { user: 'otto', uid: 2002, role: 'operator', claimedActor: 'op@desk-7' as never } as const
      if (environment !== undefined)
        app.begin(HOST, environment, { kind: 'stop', actor, step: 'stop-guest', stepIndex: 1 })
    },
    arrive: async (page) => {
      await drawn(page)
      await page.getByTestId('actions').click()
      await visible(page, 'reset')
    },
  },
  {
    name: 'reset',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    prepare: withConsole,
    arrive: async (page) => {
      await drawn(page)
      await pressed(page, 'reset')
      await page.getByTestId('danger-name').fill('billing-worker')
      await page.getByTestId('difference').locator('summary').click()
    },
  },
  {
    name: 'reset-running',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    prepare: withConsole,
    arrive: async (page, app) => {
      await drawn(page)
      await pressed(page, 'reset')
      await page.getByTestId('danger-name').fill('billing-worker')
      await page.getByTestId('danger-confirm').click()
      await page.getByTestId('danger-dialog').waitFor({ state: 'detached' })
      app.changeOperation(HOST, app.running(HOST).id, { phase: 'provisioning_vm', attempt: 1, step: 'make-home' })
      await page.locator('[data-phase=provisioning_vm]').waitFor()
    },
  },
  {
    name: 'recover',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    prepare: withConsole,
    arrive: async (page) => {
      await drawn(page)
      await page.getByTestId('recover').click()
      await visible(page, 'recover-reason')
    },
  },
  {
    name: 'resize',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    prepare: (app) => {
      withConsole(app)
      app.changeEnvironment(HOST, first(), { observed: { kind: 'stopped', since: Date.now() } })
    },
    arrive: async (page) => {
      await drawn(page)
      await pressed(page, 'resize')
      const field = (key: string) =>
        page.locator(`input[data-testid=resize-${key}], [data-testid=resize-${key}] input`).first()
      await field('memoryMiB').fill('1024')
      await field('homeMiB').fill('2048')
      await field('cpus').focus()
    },
  },
  {
    name: 'rename',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    sizes: ['wide'],
    prepare: withConsole,
    arrive: async (page) => {
      await drawn(page)
      await pressed(page, 'rename')
      await page.getByTestId('rename-name').fill('scratch-pad')
      await page.getByTestId('rename-confirm').click()
      await visible(page, 'failure')
    },
  },
  {
    name: 'labels',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    prepare: withConsole,
    arrive: async (page) => {
      await drawn(page)
      await pressed(page, 'labels')
      await page.getByTestId('label-key').last().fill('Team')
      await page.getByTestId('label-value').last().fill('blue')
    },
  },
  {
    name: 'protection',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    sizes: ['wide'],
    prepare: (app) => {
      withConsole(app)
      app.changeEnvironment(HOST, first(), { isProtected: true })
    },
    arrive: async (page) => {
      await drawn(page)
      await pressed(page, 'protection')
      await visible(page, 'protection-confirm')
    },
  },
  {
    name: 'destroy',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    prepare: withConsole,
    arrive: async (page) => {
      await drawn(page)
      await pressed(page, 'destroy')
      await page.getByTestId('danger-name').fill('billing-work')
    },
  },
  {
    name: 'destroyed',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    sizes: ['wide'],
    prepare: withConsole,
    arrive: async (page, app) => {
      await drawn(page)
      await pressed(page, 'destroy')
      await page.getByTestId('danger-name').fill('billing-worker')
      await page.getByTestId('danger-confirm').click()
      await page.getByTestId('danger-dialog').waitFor({ state: 'detached' })
      const operation = app.states.get(HOST)?.operations.find((each) => each.status.kind === 'running')
      if (operation === undefined) throw new Error('Nothing was destroyed.')
      app.finish(HOST, operation, 'removed')
      await visible(page, 'starting')
      await page.getByText('are gone.').first().waitFor()
    },
  },
  {
    name: 'destroy-outdated',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    sizes: ['wide'],
    prepare: (app) => {
      withConsole(app)
      const message = 'billing-worker was stopped since the plan was made.'
      app.refuse('host.environments.destroy.run', new PilothouseError('plan_outdated', message))
    },
    arrive: async (page) => {
      await drawn(page)
      await pressed(page, 'destroy')
      await page.getByTestId('danger-name').fill('billing-worker')
      await page.getByTestId('danger-confirm').click()
      await visible(page, 'failure')
    },
  },
]
