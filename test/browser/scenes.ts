import { PilothouseError } from '../../src-shared/error.ts'
import { SAMPLE_KEY, failureWith, sampleFleet, sampleHost } from '../support/fake-app-samples.ts'
import { HOST, LOG, ids, visible, drawn, type Scene } from './scene.ts'
import { DIALOG_SCENES } from './scenes-dialogs.ts'
import { ENVIRONMENT_SCENES } from './scenes-environment.ts'
import { SPAWN_SCENES } from './scenes-spawn.ts'

export type { Scene } from './scene.ts'

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
  ...SPAWN_SCENES,
  ...ENVIRONMENT_SCENES,
  ...DIALOG_SCENES,
]
