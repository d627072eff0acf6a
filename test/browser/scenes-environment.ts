import type { Page } from 'playwright'
import { PilothouseError } from '../../src-shared/error.ts'
import type { FakeApp } from '../support/fake-app.ts'
import {
  connected,
  failureWith,
  sampleEnvironment,
  sampleFleet,
  sampleHost,
  sampleOperation,
  stateOf,
} from '../support/fake-app-samples.ts'
import { HOST, LOG, first, ids, visible, withConsole, spawned, drawn, type Scene } from './scene.ts'

/** What the record has of the environment that the page shows, and of another that it must not show. */
function withRecord(app: FakeApp): void {
  withConsole(app)
  const { id, name } = app.environment(HOST, first()) ?? {}
  if (id === undefined || name === undefined) return
  const about = { environmentId: id, environmentName: name }
  const otto = { user: 'otto', uid: 2002, role: 'operator' as const, claimedActor: 'op@desk-7' as never }
  app.note(HOST, { ...about, action: 'spawn', outcome: 'accepted' })
  app.note(HOST, { ...about, action: 'spawn', outcome: 'succeeded' })
  app.note(HOST, { environmentId: ids(8)[1]?.id ?? null, action: 'stop', outcome: 'succeeded' })
  app.note(HOST, { ...about, actor: null, requestId: null, action: 'readiness.lost', outcome: 'lost' })
  app.note(HOST, { ...about, actor: otto, action: 'recover', outcome: 'accepted', detail: { reason: 'agent silent' } })
  app.note(HOST, { ...about, actor: otto, action: 'recover', outcome: 'failed', detail: { code: 'engine_failed' } })
  app.note(HOST, { ...about, actor: otto, action: 'console.typing', outcome: 'claimed' })
  app.note(HOST, { ...about, action: 'environment.label', outcome: 'succeeded' })
  app.note(HOST, { ...about, action: 'reset', outcome: 'refused', detail: { code: 'ticket_expired' } })
}

/** The tab beside Operations, or the one beside Details where the window is narrow. */
async function recordOpened(page: Page): Promise<void> {
  await drawn(page)
  await page.locator('[data-testid=record-activity]:visible, [data-testid=pane-activity]:visible').click()
  await visible(page, 'activity-row')
}

/** An environment's page, in every state of it. */
export const ENVIRONMENT_SCENES: readonly Scene[] = [
  {
    name: 'provisioning-asked',
    fleet: () => sampleFleet(19),
    sizes: ['wide'],
    prepare: (app) => void app.hold('host.environments.spawn'),
    arrive: (page) => spawned(page),
  },
  {
    name: 'provisioning',
    fleet: () => sampleFleet(19),
    arrive: async (page, app) => {
      await spawned(page)
      await page.getByTestId('env-id').waitFor({ state: 'attached' })
      const operation = app.states.get(HOST)?.operations.find((each) => each.status.kind === 'running')
      if (operation === undefined) throw new Error('Nothing was spawned.')
      app.changeOperation(HOST, operation.id, { phase: 'booting_guest', step: 'start-guest', stepIndex: 2 })
      const console = app.boot(HOST, operation.environmentId)
      const observed = {
        kind: 'booting' as const,
        since: Date.now(),
        phase: 'booting_guest' as const,
        bootId: console.bootId,
        attempt: 1,
      }
      app.changeEnvironment(HOST, operation.environmentId, { observed })
      console.write(LOG.slice(0, 150))
      await page.locator('[data-phase=booting_guest]').waitFor()
      await page.getByText('Linux version').first().waitFor()
    },
  },
  {
    name: 'spawn-refused',
    fleet: () => sampleFleet(19),
    sizes: ['wide'],
    arrive: async (page) => {
      await spawned(page, 'billing-worker')
      await visible(page, 'failure')
    },
  },
  {
    name: 'environment-running',
    sizes: ['wide', 'narrow', 'huge'],
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    prepare: withConsole,
    arrive: drawn,
  },
  {
    name: 'environment-activity',
    sizes: ['wide', 'narrow', 'huge'],
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    prepare: withRecord,
    arrive: recordOpened,
  },
  {
    name: 'environment-activity-detail',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    prepare: withRecord,
    arrive: async (page) => {
      await recordOpened(page)
      await page.getByTestId('activity-row').nth(2).getByTestId('activity-sentence').click()
      await visible(page, 'activity-detail')
    },
  },
  {
    name: 'environment-details',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    sizes: ['narrow'],
    prepare: withConsole,
    arrive: async (page) => {
      await drawn(page)
      await page.getByTestId('pane-details').click()
      await visible(page, 'operation')
    },
  },
  {
    name: 'environment-typing',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    sizes: ['wide'],
    prepare: (app) => {
      withConsole(app)
      app.consoleOf(first()).write('\x1b]52;c;aGk=\x07\x1b]0;title\x07\x1b[c')
    },
    arrive: async (page) => {
      await drawn(page)
      await page.getByTestId('console-type').click()
      await page.locator('[data-typing=true]').waitFor()
      await page.keyboard.type('uname -a')
      await page.keyboard.press('Control+Shift+F')
      await page.getByTestId('console-find-input').fill('init')
      await page
        .getByText('1 of', { exact: false })
        .or(page.getByText('2 of', { exact: false }))
        .first()
        .waitFor()
    },
  },
  {
    name: 'environment-gap',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    sizes: ['wide'],
    prepare: (app) => {
      withConsole(app)
      const console = app.consoleOf(first())
      console.lose(120_345)
      console.write('\r\nservice: up again\r\n')
      console.hold({ user: 'otto', uid: 2002, role: 'operator', claimedActor: 'op@desk-7' as never })
    },
    arrive: async (page, app) => {
      await page.getByText('service: up again').first().waitFor()
      app.setConnection(HOST, connected('operator'))
    },
  },
  {
    name: 'environment-failed',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => {
      const now = Date.now()
      const detail = 'Boot 2 reached the kernel; the agent did not answer within 60 s.'
      const observed = {
        kind: 'failed',
        since: now - 9000,
        reason: 'agent_timeout',
        phase: 'waiting_for_service_ready',
        detail,
      } as const
      const environment = sampleEnvironment(0, now, { observed })
      const failure = failureWith('engine_failed', detail)
      const operation = sampleOperation(2, environment, {
        status: { kind: 'failed', endedAt: now - 9000, failure },
        phase: 'waiting_for_service_ready',
        requestedAt: now - 72_000,
      })
      return { hosts: [sampleHost(0)], states: [stateOf(HOST, [environment], now, [operation])] }
    },
    prepare: (app) => {
      withConsole(app)
      app.consoleOf(first()).end(Date.now())
    },
    arrive: drawn,
  },
  {
    name: 'environment-stopped',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => {
      const now = Date.now()
      const environment = sampleEnvironment(0, now, {
        observed: { kind: 'stopped', since: now },
        desired: 'stopped',
        boot: null,
      })
      return { hosts: [sampleHost(0, connected('viewer'))], states: [stateOf(HOST, [environment], now)] }
    },
    arrive: (page) => visible(page, 'starting'),
  },
  {
    name: 'spawn-failed',
    fleet: () => sampleFleet(19),
    arrive: async (page, app) => {
      await spawned(page)
      await page.getByTestId('env-id').waitFor({ state: 'attached' })
      const operation = app.running(HOST)
      app.changeOperation(HOST, operation.id, { phase: 'booting_guest', attempt: 2 })
      const failure = failureWith('engine_failed', 'QEMU ended with status 1: the firmware could not be read.')
      const observed = { since: Date.now(), reason: 'hypervisor_failed', phase: 'booting_guest', detail: '' } as const
      app.fail(HOST, operation, { failure, observed: { kind: 'failed', ...observed } })
      await visible(page, 'outcome')
    },
  },
  {
    name: 'start-refused',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    sizes: ['wide'],
    prepare: (app) => {
      withConsole(app)
      app.changeEnvironment(HOST, first(), { observed: { kind: 'stopped', since: Date.now() }, desired: 'stopped' })
      const message = 'lon-1 has 256 MiB of memory left, and billing-worker needs 512 MiB.'
      app.refuse('host.environments.start', new PilothouseError('host_limit_reached', message))
    },
    arrive: async (page) => {
      await drawn(page)
      await page.getByTestId('start').click()
      await visible(page, 'outcome')
    },
  },
  {
    name: 'environment-lost',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    sizes: ['wide'],
    prepare: (app) => {
      withConsole(app)
      const detail = 'Its process ended at 09:41 without having been asked to.'
      app.changeEnvironment(HOST, first(), { observed: { kind: 'lost', since: Date.now(), detail } })
    },
    arrive: async (page) => {
      await drawn(page)
      await visible(page, 'outcome')
    },
  },
  {
    name: 'environment-quarantined',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    prepare: (app) => {
      withConsole(app)
      app.changeEnvironment(HOST, first(), {
        quarantine: 'Its recorded memory size is -1, which no environment can have.',
        observed: { kind: 'unknown', since: Date.now(), detail: 'Nothing is asked of a quarantined environment.' },
      })
    },
    arrive: async (page) => {
      await drawn(page)
      await visible(page, 'quarantine')
    },
  },
  {
    name: 'environment-home-gone',
    path: `/environments/${HOST}/${first()}`,
    fleet: () => sampleFleet(8),
    prepare: (app) => {
      withConsole(app)
      const { home } = app.environment(HOST, first()) ?? {}
      if (home === undefined) return
      app.changeEnvironment(HOST, first(), {
        home: { ...home, goneAt: Date.now() - 60_000 },
        observed: { kind: 'lost', since: Date.now(), detail: 'Its process ended by itself.' },
        startup: {
          hasCommand: true,
          variables: ['API_BASE', 'REGION'],
          files: [{ path: 'config/app.toml', bytes: 812, isExecutable: false }],
        },
        labels: { team: 'blue', stage: 'prod', 'cost-centre': 'Research and development', gpu: '' },
      })
    },
    arrive: async (page) => {
      await drawn(page)
      await visible(page, 'home-gone')
    },
  },
]
