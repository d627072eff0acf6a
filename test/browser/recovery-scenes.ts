import type { Page } from 'playwright'
import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentId, RecoveryPointId } from '../../src-shared/model/ids.ts'
import type { FakeApp } from '../support/fake-app.ts'
import { connected, failureWith, sampleFleet, sampleHost } from '../support/fake-app-samples.ts'
import { HOST, ids, visible, withConsole, type Scene } from './scene.ts'

const HOUR = 3_600_000
const PROGRESS = {
  doneBytes: 486_539_264,
  totalBytes: 1_395_864_371,
  doneFiles: 12_204,
  totalFiles: 48_211,
  bytesPerSecond: 47_185_920,
}

const lostId = (_unused: unknown, index: number) =>
  `env-0badc${(index + 160).toString(16).padStart(3, '0')}` as EnvironmentId
const NOT_OURS = [
  'Its tags do not say that Pilothouse made it.',
  'Its host and path do not say that it is of this environment.',
].map((why, index) => ({ pointId: `${index}badcafe`.repeat(8) as RecoveryPointId, takenAt: 1_763_000_000_000, why }))

const PAGE = `/environments/${HOST}/${ids(8)[0]?.id ?? ''}?pane=backups`

/** Chooses what to do with the newest point. */
async function onPoint(page: Page, action: string): Promise<void> {
  await page.getByTestId('point-actions').first().click()
  await page.getByTestId(action).click()
}

/** On the first host: a backup that runs, an undo that can be pressed, an operation in flight, a quarantine. */
function withEvents(app: FakeApp): void {
  const [first, second, third, fourth] = ids(60)
  if (first === undefined || second === undefined || third === undefined || fourth === undefined) return
  app.beginAside(HOST, first, { kind: 'backup', step: 'read-home', stepIndex: 2, stepCount: 6, progress: PROGRESS })
  const undo = { homeId: second.home.id, until: Date.now() + 20 * HOUR, bytes: 1_395_864_371, restoredAt: Date.now() }
  app.backups.change(HOST, second.id, { undo })
  app.begin(HOST, third, { kind: 'restore', step: 'fill-home', stepIndex: 2, stepCount: 9, progress: PROGRESS })
  app.changeEnvironment(HOST, fourth.id, { quarantine: 'Its record names a home that is another’s.' })
}

export const RECOVERY_SCENES: readonly Scene[] = [
  {
    name: 'recovery',
    path: '/recovery',
    sizes: ['wide', 'narrow', 'huge'],
    fleet: () => sampleFleet(60),
    prepare: withEvents,
    arrive: (page) => visible(page, 'recovery-row'),
  },
  {
    name: 'recovery-selected',
    path: '/recovery',
    fleet: () => sampleFleet(60),
    prepare: withEvents,
    arrive: async (page) => {
      await page.locator('[data-testid=freshness-filter][data-kind=healthy]').click()
      await page
        .locator('[data-testid=recovery-row]')
        .nth(3)
        .click({ position: { x: 180, y: 10 } })
      await visible(page, 'bar-backup')
    },
  },
  {
    name: 'recovery-full',
    path: '/recovery',
    sizes: ['wide'],
    fleet: () => sampleFleet(10_000),
    arrive: (page) => visible(page, 'recovery-row'),
  },
  {
    name: 'recovery-empty',
    path: '/recovery',
    sizes: ['wide'],
    fleet: () => ({ hosts: [sampleHost(0)] }),
    arrive: (page) => visible(page, 'empty'),
  },
  {
    name: 'adopt',
    path: '/recovery',
    fleet: () => sampleFleet(40),
    prepare: (app) => (app.backups.orphaned = { environments: [], unrecorded: Array.from({ length: 11 }, lostId) }),
    arrive: async (page) => {
      await page.getByTestId('adopt-open').click()
      await visible(page, 'adopt-unrecorded')
    },
  },
  {
    name: 'adopt-result',
    path: '/recovery',
    fleet: () => ({ hosts: [sampleHost(0)] }),
    prepare: (app) =>
      (app.backups.adopted = { taken: 21, known: 3, gone: 2, left: 40, passedOverCount: 2, passedOver: NOT_OURS }),
    arrive: async (page) => {
      await page.getByTestId('adopt-open').click()
      await page.getByTestId('adopt-unrecorded').first().click()
      await page.getByTestId('adopt-confirm').click()
      await visible(page, 'adopt-result')
    },
  },
  {
    name: 'adopt-viewer',
    path: '/recovery',
    fleet: () => ({ hosts: [sampleHost(0, connected('viewer'))] }),
    arrive: async (page) => {
      await page.getByTestId('adopt-open').click()
      await page.getByTestId('adopt-id').fill('web-1')
      await visible(page, 'adopt-block')
    },
  },
  {
    name: 'recovery-loading',
    path: '/recovery',
    sizes: ['wide'],
    fleet: () => ({ isSilent: true }),
    arrive: (page) => visible(page, 'loading'),
  },
  {
    name: 'recovery-failing',
    path: '/recovery',
    sizes: ['wide'],
    fleet: () => sampleFleet(40),
    prepare: (app) => app.refuse('fleet.watch', new PilothouseError('internal', 'The record could not be read.')),
    arrive: (page) => visible(page, 'failure'),
  },
  {
    name: 'recovery-viewer',
    path: '/recovery',
    sizes: ['wide'],
    fleet: () => {
      const fleet = sampleFleet(40)
      return { ...fleet, hosts: [sampleHost(0, connected('viewer'))], states: fleet.states.slice(0, 1) }
    },
    arrive: (page) => visible(page, 'recovery-row'),
  },
  {
    name: 'backups',
    path: PAGE,
    sizes: ['wide', 'narrow', 'huge'],
    fleet: () => sampleFleet(8),
    prepare: (app) => {
      withConsole(app)
      const environment = ids(8)[0]
      if (environment === undefined) return
      const undo = { homeId: environment.home.id, until: Date.now() + 20 * HOUR, bytes: 1_395_864_371 }
      app.backups.change(HOST, environment.id, { undo: { ...undo, restoredAt: Date.now() - HOUR } })
      app.beginAside(HOST, environment, { kind: 'backup', step: 'read-home', stepIndex: 2, progress: PROGRESS })
    },
    arrive: (page) => visible(page, 'point'),
  },
  {
    name: 'backups-browse',
    path: PAGE,
    fleet: () => sampleFleet(8),
    arrive: async (page) => {
      await onPoint(page, 'point-browse')
      await page.getByTestId('tree-line').filter({ hasText: 'work' }).getByTestId('tree-toggle').click()
      await page.getByText('invoice').first().waitFor()
      await page.getByTestId('tree-pick').nth(2).click()
    },
  },
  {
    name: 'backups-compare',
    path: PAGE,
    fleet: () => sampleFleet(8),
    arrive: async (page) => {
      await onPoint(page, 'point-compare')
      await visible(page, 'change')
    },
  },
  {
    name: 'backups-policy',
    path: PAGE,
    fleet: () => sampleFleet(8),
    arrive: async (page) => {
      await visible(page, 'point')
      await page.getByTestId('backup-policy').click()
      await page.getByTestId('policy-interval').fill('3')
      await visible(page, 'policy-error')
    },
  },
  {
    name: 'backups-failing',
    path: PAGE,
    sizes: ['wide'],
    fleet: () => sampleFleet(8),
    prepare: (app) => {
      const environment = ids(8)[0]
      if (environment === undefined) return
      const message = 'The repository could not be reached at 15:41: backup.example.net did not answer on port 22.'
      const failure = failureWith('repository_unreachable', message)
      const lastAttempt = {
        at: Date.now(),
        operationId: 'op-00000000000000b1' as never,
        outcome: 'failed',
        failure,
      } as const
      const freshness = { kind: 'unavailable', sentence: message, thresholdMs: 4_500_000 } as const
      app.backups.change(HOST, environment.id, { freshness, lastAttempt })
      app.refuse('host.backups.points', new PilothouseError('storage_failed', 'The record could not be read.'))
    },
    arrive: (page) => page.getByTestId('failure').nth(1).waitFor(),
  },
]
