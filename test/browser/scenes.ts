import type { Page } from 'playwright'
import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentId, HostId } from '../../src-shared/model/ids.ts'
import type { FakeApp } from '../support/fake-app.ts'
import {
  SAMPLE_KEY,
  connected,
  failureWith,
  sampleEnvironment,
  sampleFleet,
  sampleHost,
  sampleOperation,
  stateOf,
} from '../support/fake-app-samples.ts'

/** One picture: a fleet, what the fake does before, and how the screen is reached. */
export interface Scene {
  readonly name: string
  readonly path?: string
  readonly sizes?: readonly ('wide' | 'narrow' | 'huge')[]
  fleet(): ConstructorParameters<typeof FakeApp>[0]
  prepare?(app: FakeApp): void
  arrive(page: Page, app: FakeApp): Promise<void>
}

const HOST = 'host-00000001' as HostId
const LOG = [
  '[    0.000000] Linux version 6.1.0-56-cloud-amd64 (debian-kernel@lists.debian.org)\r\n',
  '[    0.412207] virtio_blk virtio1: [vda] 4194304 512-byte logical blocks\r\n',
  '[    0.520114] EXT4-fs (vda): mounted filesystem with ordered data mode\r\n',
  'init: home mounted at /home (1.3 GiB used of 4.0)\r\n',
  'init: agent listening on org.qemu.guest_agent.0\r\n',
  'service: starting notebook server\r\n',
  '\x1b[33mservice: session 9 had unsaved changes, recovered from journal\x1b[0m\r\n',
  '\x1b[32m/home #\x1b[0m echo hello-$((6*7))\r\nhello-42\r\n\x1b[32m/home #\x1b[0m ',
].join('')

const ids = (count: number) => sampleFleet(count).states[0]?.environments ?? []
const first = (): EnvironmentId => ids(8)[0]?.id ?? ('' as EnvironmentId)
const visible = (page: Page, id: string) => page.getByTestId(id).first().waitFor({ timeout: 5000 })

function withConsole(app: FakeApp): void {
  app.boot(HOST, first()).write(LOG)
}

async function spawned(page: Page, name = 'billing-worker-2'): Promise<void> {
  await page.getByTestId('spawn-button').click()
  await page.getByTestId('spawn-name').fill(name)
  await page.getByTestId('spawn-owner').click()
  await page.getByRole('option', { name: /northwind/ }).click()
  await page.getByTestId('spawn-submit').click()
  await visible(page, 'progress')
}

async function drawn(page: Page): Promise<void> {
  await page.getByText('hello-42', { exact: true }).first().waitFor({ timeout: 5000 })
}

/** Presses an action in the menu of the environment's page. */
async function pressed(page: Page, action: string): Promise<void> {
  await page.getByTestId('actions').click()
  await page.getByTestId(action).click()
}

export const SCENES: readonly Scene[] = [
  {
    name: 'environments-none',
    fleet: () => ({ hosts: [] }),
    arrive: (page) => visible(page, 'empty'),
  },
  {
    name: 'environments-empty',
    fleet: () => ({ hosts: [sampleHost(0)] }),
    arrive: (page) => visible(page, 'empty'),
  },
  {
    name: 'environments-loading',
    fleet: () => ({ isSilent: true }),
    arrive: (page) => visible(page, 'loading'),
  },
  {
    name: 'environments-failing',
    fleet: () => sampleFleet(40),
    prepare: (app) =>
      app.refuse('fleet.watch', new PilothouseError('internal', 'The fleet’s record could not be read.')),
    arrive: (page) => visible(page, 'failure'),
  },
  {
    name: 'environments-few',
    sizes: ['wide', 'narrow', 'huge'],
    fleet: () => sampleFleet(19),
    arrive: (page) => visible(page, 'env-row'),
  },
  {
    name: 'environments-full',
    fleet: () => sampleFleet(10_000),
    arrive: async (page) => {
      await visible(page, 'env-row')
      await page
        .getByTestId('env-row')
        .filter({ hasText: 'Failed' })
        .first()
        .click({ position: { x: 300, y: 10 } })
    },
  },
  {
    name: 'environments-filtered',
    fleet: () => sampleFleet(10_000),
    sizes: ['wide'],
    arrive: async (page) => {
      await page
        .getByTestId('env-filter')
        .locator('input')
        .or(page.locator('input[data-testid=env-filter]'))
        .first()
        .fill('state:unknown ci')
      await page.getByText('of 10,000').waitFor()
    },
  },
  {
    name: 'environments-link-lost',
    fleet: () => sampleFleet(40),
    sizes: ['wide'],
    arrive: async (page, app) => {
      await visible(page, 'env-row')
      app.acceptRpc = (channel) => channel.close('It is not there.')
      app.cutAll('The main process has ended.')
      await visible(page, 'link-lost')
    },
  },
  {
    name: 'palette',
    fleet: () => sampleFleet(40),
    sizes: ['wide'],
    arrive: async (page) => {
      await visible(page, 'env-row')
      await page.keyboard.press('Control+K')
      await page.getByPlaceholder('Search environments, hosts, commands').fill('agent')
      await page.getByRole('option').first().waitFor()
    },
  },
  {
    name: 'hosts',
    path: '/hosts',
    fleet: () => {
      const fleet = sampleFleet(19)
      const key = { ...SAMPLE_KEY, fingerprint: 'SHA256:qb3Yx1l0yVQmL1nC0pE5sXz5p0i0n1m7n4Yb9kQk2ZE' }
      const failure = failureWith(
        'host_key_changed',
        'sfo-old.example.net shows another key than the one that was pinned.',
      )
      return {
        ...fleet,
        hosts: [
          ...fleet.hosts,
          sampleHost(5, { kind: 'refused', since: 0, failure, key }),
          sampleHost(6, { kind: 'awaiting_trust', since: 0, key: SAMPLE_KEY }),
          sampleHost(7, { kind: 'connecting', since: 0, attempt: 1, step: 'finding_daemon' }),
        ],
      }
    },
    arrive: (page) => visible(page, 'trust'),
  },
  {
    name: 'add-host',
    path: '/hosts',
    fleet: () => ({ hosts: [] }),
    arrive: async (page) => {
      await page.getByTestId('add-host-button').click()
      await page.getByTestId('host-name').fill('Lon 1')
      await page.getByTestId('host-address').fill('lon-1.example.net')
      await page.getByTestId('host-submit').click()
      await page.getByText('must be 1–63').waitFor()
    },
  },
  {
    name: 'spawn',
    fleet: () => sampleFleet(19),
    arrive: async (page) => {
      await page.getByTestId('spawn-button').click()
      await page.getByTestId('spawn-name').fill('Billing_worker')
      await page
        .getByTestId('spawn-cpus')
        .locator('input')
        .or(page.locator('input[data-testid=spawn-cpus]'))
        .first()
        .fill('12')
      await page.getByTestId('spawn-submit').click()
      await page.getByText('at most 8 CPUs here').waitFor()
    },
  },
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
  {
    name: 'consoles-empty',
    path: '/consoles',
    fleet: () => sampleFleet(19),
    sizes: ['wide'],
    arrive: (page) => visible(page, 'empty'),
  },
  {
    name: 'consoles',
    path: `/consoles?show=${ids(16)
      .slice(0, 4)
      .map(({ id }) => `${HOST}/${id}`)
      .join(',')}`,
    fleet: () => sampleFleet(16),
    prepare: (app) => ids(16).forEach(({ id }) => app.boot(HOST, id).write(LOG)),
    arrive: async (page) => {
      await drawn(page)
      await page.locator('[data-testid=console][data-link=live]').nth(3).waitFor()
    },
  },
  {
    name: 'operations',
    path: '/operations',
    fleet: () => sampleFleet(60),
    arrive: (page) => visible(page, 'operation-row'),
  },
  {
    name: 'settings',
    path: '/settings',
    fleet: () => sampleFleet(19),
    arrive: (page) => page.getByText('0.1.0').waitFor(),
  },
]
