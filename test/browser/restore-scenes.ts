import type { Page } from 'playwright'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Environment } from '../../src-shared/model/environment.ts'
import { OPERATION_PROMISES, type Operation } from '../../src-shared/model/operation.ts'
import type { OperationResult } from '../../src-shared/model/operation-result.ts'
import { connected, sampleFleet, sampleHost } from '../support/fake-app-samples.ts'
import type { FakeApp } from '../support/fake-app.ts'
import { HOST, first, ids, pressed, visible, withConsole, type Scene } from './scene.ts'

const HOUR = 3_600_000
const NAME = 'billing-worker'
const PATH = `/environments/${HOST}/${first()}?pane=backups`
const PROGRESS = {
  doneBytes: 486_539_264,
  totalBytes: 1_395_864_371,
  doneFiles: 12_204,
  totalFiles: 48_211,
  bytesPerSecond: 47_185_920,
}

function here(): Environment {
  const environment = ids(8)[0]
  if (environment === undefined) throw new Error('The sample fleet is empty.')
  return environment
}

function withUndo(app: FakeApp): void {
  const undo = { homeId: 'home-51ac0f9e22d8b147' as never, until: Date.now() + 20 * HOUR, bytes: 1_395_864_371 }
  app.backups.change(HOST, here().id, { undo: { ...undo, restoredAt: Date.now() - 4 * HOUR } })
}

function withReview(app: FakeApp): void {
  const kept = { homeId: 'home-9f3c22d1e0a7b6c5' as never, keptAt: Date.now() - 26 * HOUR, bytes: 2_795_864_371 }
  app.backups.change(HOST, here().id, { keptForReview: [kept] })
}

/** Opens what the menu of a point offers. */
async function ofPoint(page: Page, action: string, at = 0): Promise<void> {
  await visible(page, 'point')
  await page.getByTestId('point-actions').nth(at).click()
  await page.getByTestId(`point-${action}`).click()
}

async function planned(page: Page): Promise<void> {
  await ofPoint(page, 'restore')
  await visible(page, 'point-choice')
  await page.getByTestId('restore-point-confirm').click()
}

async function confirmed(page: Page): Promise<void> {
  await planned(page)
  await visible(page, 'restore-plan')
  await page.getByTestId('restore-plan-step-confirm').click()
  await page.getByTestId('restore-name').fill(NAME)
}

async function begun(page: Page, app: FakeApp): Promise<Operation> {
  await confirmed(page)
  await page.getByTestId('restore-confirm').click()
  await visible(page, 'follow')
  return app.running(HOST)
}

function failed(code: 'engine_failed' | 'drill_failed', message: string, details: Record<string, unknown> = {}) {
  const failure = new PilothouseError(code, message, { requestId: 'req-00000000000000ab', details }).toFailure()
  return { kind: 'failed' as const, endedAt: Date.now(), failure }
}

const RESTORED: OperationResult = {
  kind: 'restore',
  pointId: 'a'.repeat(64) as never,
  homeId: here().home.id,
  verified: [
    'The file system of the restored home is sound.',
    '48,211 of 48,211 files and folders are there, and 1,331.2 MiB of 1,331.2 MiB.',
    'The guest is ready on it.',
  ],
  undo: { homeId: here().home.id, until: Date.now() + 24 * HOUR, bytes: 1_395_864_371 },
}
const COPIED: OperationResult = {
  kind: 'restore_files',
  pointId: 'a'.repeat(64) as never,
  folder: '/var/lib/pilothouse/restored/billing-worker-20261121-1604',
  files: 212,
  bytes: 73_400_320,
  skipped: [
    { path: '/work/.agent.sock', why: 'It is a socket.' },
    { path: '/work/invoice\u202Efdp.exe\n', why: 'Its name has characters that this host’s file system refuses.' },
    { path: '/work/current', why: 'It is a link out of the folder.' },
  ],
  skippedCount: 103,
}
const DRILLED: OperationResult = {
  kind: 'drill',
  pointId: 'a'.repeat(64) as never,
  isPassed: false,
  checks: [
    { name: 'restores', isPassed: true, detail: '48,211 files and folders with 1,331 MiB in 41 s.' },
    { name: 'file system', isPassed: true, detail: 'It is sound.' },
    { name: 'boots', isPassed: true, detail: 'The kernel was up after 3.1 s.' },
    { name: 'agent answers', isPassed: true, detail: 'After 5.4 s.' },
    { name: 'hashes', isPassed: false, detail: '1 of 64 samples differs: /work/build/cache.db.' },
  ],
  promotedTo: null,
}

/** As long as a host's own is. */
const TEXT = [
  `Restore ${NAME} (${here().id}) of owner acme on host lon-1: replaces its home with the recovery point ${'4f'.repeat(32)} of 2026-11-21 15:53:52 UTC, which is 38 min old.`,
  `The point holds 48211 files and folders with 1331.2 MiB, of the home ${here().home.id}; the host lon-1.example.net made it.`,
  'Its file system was at rest at that moment.',
  '3 files could not be read when it was made, and are not in it.',
  'It was last verified at 2026-11-20 20:31:07 UTC; a drill at 2026-11-18 14:30:00 UTC passed.',
  'Everything that was written since 2026-11-21 15:53:52 UTC leaves the home.',
  'Since then, 38 files and folders were added, 1204 changed (512.0 MiB written) and 12 removed (4.0 MiB): those added go, those changed are as they were, those removed are back.',
  `The home ${here().home.id} with 1331.2 MiB is kept for undo until 2026-11-22 16:31:02 UTC.`,
  'Its name, id, owner, image, size and labels are kept.',
  'All recovery points and the record of what was done are kept.',
  'The guest is running; it is stopped only once the restored home has been verified; until then it runs on.',
  'It is down for one stop, the swap and one boot: at most 145 s before that is given up.',
  'Until the guest is ready on the restored home, any failure brings the present home back, and the guest is as it was.',
  'The restored home needs up to 1331.2 MiB of disk beside the present one; 217088.0 MiB are free.',
  ...(['recover', 'restore', 'reset'] as const).map((kind) => `${kind}: ${OPERATION_PROMISES[kind]}`),
]

const scene = (name: string, rest: Partial<Scene> & Pick<Scene, 'arrive'>): Scene => ({
  name: `restore-${name}`,
  path: PATH,
  fleet: () => sampleFleet(8),
  prepare: withConsole,
  ...rest,
})

/** The guided restore from its first step to its end, and everything else that uses a recovery point. */
export const RESTORE_SCENES: readonly Scene[] = [
  scene('point', {
    sizes: ['wide', 'narrow', 'huge'],
    arrive: async (page) => {
      await ofPoint(page, 'restore')
      await visible(page, 'point-choice')
      await page.keyboard.press('PageDown')
    },
  }),
  scene('point-none', {
    path: '/recovery',
    sizes: ['wide'],
    fleet: () => sampleFleet(8),
    prepare: (app) => app.backups.points.set(first(), []),
    arrive: async (page) => {
      await page.getByTestId('recovery-row').filter({ hasText: NAME }).getByTestId('recovery-restore').click()
      await visible(page, 'no-choice')
    },
  }),
  scene('computing', {
    prepare: (app) => {
      withConsole(app)
      app.hold('host.restore.plan')
    },
    arrive: async (page) => {
      await planned(page)
      await visible(page, 'plan-computing')
    },
  }),
  scene('plan', {
    sizes: ['wide', 'narrow', 'huge'],
    prepare: (app) => {
      withConsole(app)
      app.restores.plan = { text: TEXT.join('\n'), losses: TEXT.slice(5, 7), keeps: TEXT.slice(7, 10) }
    },
    arrive: async (page) => {
      await planned(page)
      await visible(page, 'restore-plan')
    },
  }),
  scene('plan-not-counted', {
    prepare: (app) => {
      withUndo(app)
      const sinceLatest = { added: 12, changed: 3, removed: 0, bytesWritten: 8_388_608, bytesRemoved: 0 }
      const why = 'The home could not be read as a backup reads it within 60 s.'
      app.restores.plan = { loss: { kind: 'not_counted', why, sinceLatest }, diskFreeBytes: 900_000_000 }
    },
    arrive: async (page) => {
      await planned(page)
      await visible(page, 'restore-plan')
    },
  }),
  scene('plan-refused', {
    sizes: ['wide'],
    prepare: (app) => {
      const message = 'backup.example.net did not answer on port 22 within 45 s.'
      app.refuse('host.restore.plan', new PilothouseError('repository_unreachable', message))
    },
    arrive: async (page) => {
      await planned(page)
      await visible(page, 'plan-again')
    },
  }),
  scene('confirm', { arrive: confirmed }),
  scene('outdated', {
    sizes: ['wide'],
    prepare: (app) => {
      const changes = ['the guest was stopped', 'its home was resized']
      const says = 'Since the plan was made, the guest was stopped. Nothing was touched.'
      app.refuse('host.restore.run', new PilothouseError('plan_outdated', says, { details: { changes } }))
    },
    arrive: async (page) => {
      await confirmed(page)
      await page.getByTestId('restore-confirm').click()
      await visible(page, 'restore-changes')
    },
  }),
  scene('progress', {
    sizes: ['wide', 'narrow', 'huge'],
    arrive: async (page, app) => {
      const { id } = await begun(page, app)
      app.changeOperation(HOST, id, { step: 'restore', stepIndex: 3, progress: PROGRESS })
      await page.getByText('12,204 of 48,211').first().waitFor()
    },
  }),
  scene('uncancellable', {
    sizes: ['wide'],
    arrive: async (page, app) => {
      const { id } = await begun(page, app)
      app.changeOperation(HOST, id, { step: 'swap_home', stepIndex: 7, isCancellable: false })
      await page.getByText('This step cannot be cancelled').first().waitFor()
    },
  }),
  scene('done', {
    arrive: async (page, app) => {
      const operation = await begun(page, app)
      withUndo(app)
      app.changeOperation(HOST, operation.id, { step: 'commit', stepIndex: 10, result: RESTORED })
      app.finish(HOST, operation, here().observed)
      await visible(page, 'follow-undo')
    },
  }),
  scene('failed', {
    arrive: async (page, app) => {
      const operation = await begun(page, app)
      const message = `The file system of the restored home is not sound. Its home, ${here().home.id}, is kept as it is.`
      app.finish(HOST, operation, here().observed)
      app.changeOperation(HOST, operation.id, { status: failed('engine_failed', message) })
      await visible(page, 'follow-failure')
    },
  }),
  scene('stuck', {
    sizes: ['wide'],
    arrive: async (page, app) => {
      const operation = await begun(page, app)
      const details = {
        rollbackFailedAt: 'start_guest',
        oldHomeId: 'home-0000000000000001',
        newHomeId: 'home-9f3c22d1e0a7b6c5',
      }
      app.finish(HOST, operation, here().observed)
      const message = 'The guest did not become ready on the restored home within 120 s.'
      app.changeOperation(HOST, operation.id, { status: failed('engine_failed', message, details) })
      await visible(page, 'follow-failure')
    },
  }),
  scene('undo', {
    prepare: (app) => {
      withConsole(app)
      withUndo(app)
    },
    arrive: async (page) => {
      await page.getByTestId('undo').click()
      await visible(page, 'undo-plan')
    },
  }),
  scene('kept-homes', {
    prepare: (app) => {
      withUndo(app)
      withReview(app)
    },
    arrive: (page) => visible(page, 'review-banner'),
  }),
  scene('drop', {
    prepare: withUndo,
    arrive: async (page) => {
      await page.getByTestId('undo-drop').click()
      await visible(page, 'drop-plan')
    },
  }),
  scene('undo-running', {
    sizes: ['wide'],
    prepare: withUndo,
    arrive: async (page) => {
      await page.getByTestId('undo').click()
      await visible(page, 'undo-plan')
      const name = page.getByTestId('undo-name')
      if ((await name.count()) > 0) await name.fill(NAME)
      await page.getByTestId('undo-confirm').click()
      await visible(page, 'follow')
    },
  }),
  scene('clone', {
    arrive: async (page) => {
      await ofPoint(page, 'clone')
      await page.getByTestId('clone-name').fill('Billing_copy')
    },
  }),
  scene('drill', {
    arrive: async (page) => {
      await ofPoint(page, 'drill')
      await page.getByTestId('drill-keep').click()
      await visible(page, 'drill-name')
    },
  }),
  scene('drill-operator', {
    sizes: ['wide'],
    fleet: () => {
      const fleet = sampleFleet(8)
      return { ...fleet, hosts: [sampleHost(0, connected('operator'))], states: fleet.states.slice(0, 1) }
    },
    arrive: (page) => ofPoint(page, 'drill'),
  }),
  scene('drill-failed', {
    arrive: async (page, app) => {
      await ofPoint(page, 'drill')
      await page.getByTestId('drill-confirm').click()
      await visible(page, 'follow')
      const message = 'The point did not pass: hashes.'
      const status = failed('drill_failed', message)
      app.changeOperation(HOST, app.running(HOST).id, { result: DRILLED, status })
      await visible(page, 'result-checks')
    },
  }),
  scene('files-none', { sizes: ['wide'], arrive: (page) => ofPoint(page, 'restore-files') }),
  scene('files', {
    arrive: async (page) => {
      await picked(page)
      await visible(page, 'files-paths')
    },
  }),
  scene('files-done', {
    arrive: async (page, app) => {
      await picked(page)
      await page.getByTestId('restore-files-confirm').click()
      await visible(page, 'follow')
      const status = { kind: 'succeeded' as const, endedAt: Date.now() }
      app.changeOperation(HOST, app.running(HOST).id, { result: COPIED, status })
      await visible(page, 'result-files')
    },
  }),
  scene('final-backup', {
    arrive: async (page, app) => {
      await pressed(page, 'destroy')
      await page.getByTestId('final-backup-begin').click()
      await visible(page, 'final-backup-running')
      app.changeOperation(HOST, app.running(HOST).id, {
        step: 'back_up',
        stepIndex: 2,
        stepCount: 4,
        progress: PROGRESS,
      })
      await page.getByText('12,204 of 48,211').first().waitFor()
    },
  }),
  scene('final-backup-done', {
    sizes: ['wide'],
    arrive: async (page, app) => {
      await pressed(page, 'destroy')
      await page.getByTestId('final-backup-begin').click()
      await visible(page, 'final-backup-running')
      const status = { kind: 'succeeded' as const, endedAt: Date.now() }
      app.changeOperation(HOST, app.running(HOST).id, { status })
      await visible(page, 'final-backup')
      await visible(page, 'danger-plan')
    },
  }),
]

/** Opens the tree of the newest point, picks what is first in it, and goes on to restore it. */
async function picked(page: Page): Promise<void> {
  await ofPoint(page, 'browse')
  await page.getByTestId('tree').focus()
  await page.getByText('notes.txt').first().waitFor()
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Space')
  await page.keyboard.press('End')
  await page.keyboard.press('Space')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Space')
  await page.getByTestId('browse-restore').click()
}
