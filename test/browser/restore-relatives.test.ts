import { describe, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { OperationResult } from '../../src-shared/model/operation-result.ts'
import type { FakeApp } from '../support/fake-app.ts'
import { connected } from '../support/fake-app-samples.ts'
import { element, says, until } from './mount.ts'
import { HOST, isThere, NAME, opened, point, reviewKept, runs, undoKept } from './restore-hands.ts'

const blockOf = (testId: string): string | undefined => element(testId).dataset['block']

const isFree = (testId: string): boolean => isThere(testId) && blockOf(testId) === undefined

/** Ends what runs with this result. */
function end(fake: FakeApp, result: OperationResult): void {
  const status = { kind: 'succeeded' as const, endedAt: Date.now() }
  fake.changeOperation(HOST, fake.running(HOST).id, { result, status })
}

describe('undo', () => {
  it('is planned, confirmed and run from the banner, and says what is kept in turn', async () => {
    const fake = await opened({ action: null, prepare: undoKept })
    await page.getByTestId('undo').click()
    await says('undo-keeps', 'kept until the time of undo is over')
    await says('undo-kept', /The earlier home, 1 GiB, is kept until/)
    await says('cli', `pilothouse restore undo ${NAME} --host lon-1 --plan`)
    await page.getByTestId('undo-name').fill(NAME)
    await page.getByTestId('undo-confirm').click()
    await until(() => isThere('follow'), 'the progress')
    const current = () => document.querySelector('[aria-current=step]')?.textContent ?? ''
    await until(() => current().includes('Look whether the kept home is whole'), 'the step')
    expect(runs(fake, 'host.undo.run')).toMatchObject([{ confirmName: NAME }])
    const home = fake.environment(HOST, NAME)!.home.id
    const undo = { homeId: home, until: Date.now() + 3_600_000, bytes: null }
    end(fake, { kind: 'undo_restore', homeId: home, undo })
    await says('result-undo', /The restored home is kept until .* What it takes on the host is not known/)
  })

  it('is offered in the table of the fleet too', async () => {
    const fake = await opened({ action: null, path: '/recovery', prepare: undoKept })
    await until(() => isThere('recovery-undo'), 'the table')
    await page.getByTestId('recovery-undo').click()
    await until(() => isThere('undo-plan'), 'the plan')
    await userEvent.keyboard('{Escape}')
    await until(() => !isThere('undo-plan'), 'kept')
    expect(runs(fake, 'host.undo.run')).toHaveLength(0)
  })

  it('says why it cannot be run any more', async () => {
    const fake = await opened({ action: null, prepare: undoKept })
    await page.getByTestId('undo').click()
    await until(() => isThere('undo-plan'), 'the plan')
    await page.getByTestId('undo-name').fill(NAME)
    fake.backups.change(HOST, fake.environment(HOST, NAME)!.id, { undo: null })
    await until(() => blockOf('undo-confirm') === 'No home is kept for undo.', 'the reason')
  })
})

describe('giving a kept home up', () => {
  it('is planned, confirmed by name and run from the banner of the undo, and says what is free again', async () => {
    const fake = await opened({ action: null, prepare: undoKept })
    await page.getByTestId('undo-drop').click()
    await says('drop-space', /Frees 1 GiB; 212 GiB are free now\./)
    await says('drop-plan', 'it cannot be taken back')
    await says('cli', `pilothouse restore drop ${NAME} --host lon-1 --plan`)
    expect(blockOf('drop-confirm')).toBeDefined()
    await page.getByTestId('drop-name').fill(NAME)
    await page.getByTestId('drop-confirm').click()
    await until(() => isThere('follow'), 'the progress')
    expect(runs(fake, 'host.drop.plan')).toEqual([{ environment: fake.environment(HOST, NAME)!.id }])
    expect(runs(fake, 'host.drop.run')).toMatchObject([{ confirmName: NAME }])
    const homeId = fake.environment(HOST, NAME)!.home.id
    end(fake, { kind: 'drop_undo', homeId, freedBytes: 2 ** 30 })
    await says('result-freed', `The home ${homeId} is gone for good. 1 GiB are free again.`)
  })

  it('names the home that is kept for review, wherever that is shown', async () => {
    const fake = await opened({ action: null, prepare: reviewKept })
    await says('review-banner', /home-00000000000000dd.*is kept for review until somebody gives it up.*It takes 2 GiB/s)
    await page.getByTestId('review-drop').click()
    await says('cli', `pilothouse restore drop ${NAME} --home home-00000000000000dd --host lon-1 --plan`)
    await until(() => isThere('drop-plan'), 'the plan')
    expect(runs(fake, 'host.drop.plan')).toMatchObject([{ home: 'home-00000000000000dd' }])
    await userEvent.keyboard('{Escape}')
    await until(() => !isThere('drop-plan'), 'kept')
    expect(runs(fake, 'host.drop.run')).toHaveLength(0)
    fake.backups.change(HOST, fake.environment(HOST, NAME)!.id, { keptForReview: [] })
    await until(() => !isThere('review-banner'), 'its end')
  })

  it('says why it cannot be pressed', async () => {
    const fake = await opened({ action: null, prepare: undoKept })
    await until(() => isFree('undo-drop'), 'the button')
    fake.begin(HOST, fake.environment(HOST, NAME)!, { kind: 'stop', step: 'stop-guest', stepIndex: 1 })
    await until(() => !isFree('undo-drop'), 'the reason')
  })
})

describe('clone', () => {
  it('asks for name, owner, image and size, and sends only what differs from the source', async () => {
    const fake = await opened({ action: 'clone' })
    await expect.element(page.getByTestId('clone-name')).toHaveValue(`${NAME}-clone`)
    await page.getByTestId('clone-name').fill('Copy!')
    await expect.element(page.getByText(/must be 1–63 lower-case/)).toBeVisible()
    expect(blockOf('clone-confirm')).toBe('Correct the name first.')
    await page.getByTestId('clone-name').fill('copy')
    const memory = document.querySelector<HTMLInputElement>(
      '[data-testid=clone-memoryMiB] input, input[data-testid=clone-memoryMiB]',
    )
    await userEvent.fill(memory!, '1024')
    await userEvent.keyboard('{Tab}')
    await says(
      'cli',
      `pilothouse restore clone ${NAME} copy --point ${point(fake, 0).id.slice(0, 16)} --owner acme --memory-mib 1024`,
    )
    await page.getByTestId('clone-confirm').click()
    await until(() => isThere('follow'), 'the progress')
    const [sent] = runs(fake, 'host.clone')
    expect(sent).toMatchObject({ name: 'copy', owner: 'acme', point: point(fake, 0).id, size: { memoryMiB: 1024 } })
    expect(sent).not.toHaveProperty('image')
  })

  it('stays as it is when the name is taken, and says so at the name', async () => {
    const fake = await opened({
      action: 'clone',
      prepare: (app) => app.refuse('host.clone', new PilothouseError('name_taken', 'There is one.')),
    })
    await until(() => isFree('clone-confirm'), 'it can be pressed')
    await page.getByTestId('clone-confirm').click()
    await expect.element(page.getByText('is taken on this host')).toBeVisible()
    expect(fake.environment(HOST, `${NAME}-clone`)).toBeUndefined()
  })
})

describe('drill', () => {
  it('proves a point, and lists what was checked, also where it did not pass', async () => {
    const fake = await opened({ action: 'drill' })
    await until(() => isFree('drill-confirm'), 'it can be pressed')
    await page.getByTestId('drill-confirm').click()
    await until(() => isThere('follow'), 'the progress')
    expect(runs(fake, 'host.drill')).toMatchObject([{ point: point(fake, 0).id }])
    expect(runs(fake, 'host.drill')[0]).not.toHaveProperty('promoteTo')
    const checks = [
      { name: 'boots', isPassed: true, detail: 'After 3 s.' },
      { name: 'hashes', isPassed: false, detail: 'One differs: /a\u202Eb.' },
    ]
    const result = { kind: 'drill', pointId: point(fake, 0).id, isPassed: false, checks, promotedTo: null } as const
    const failure = new PilothouseError('drill_failed', 'It did not pass.').toFailure()
    const status = { kind: 'failed' as const, endedAt: Date.now(), failure }
    fake.changeOperation(HOST, fake.running(HOST).id, { result, status })
    await says('result-checks', String.raw`One differs: /a\u{202e}b.`)
    expect(document.querySelectorAll('[data-testid=result-checks] [data-passed=false]')).toHaveLength(1)
    await says('follow-kept', 'the scratch guest is gone')
  })

  it('keeps what was proven for an admin who asks for it, and says who may where one is none', async () => {
    const fake = await opened({ action: 'drill' })
    await page.getByTestId('drill-keep').click()
    await expect.element(page.getByTestId('drill-name')).toHaveValue(`${NAME}-drilled`)
    await until(() => isFree('drill-confirm'), 'it can be pressed')
    fake.setConnection(HOST, connected('operator'))
    await until(() => blockOf('drill-confirm')?.includes('Needs the admin role') === true, 'the role')
    fake.setConnection(HOST, connected('admin'))
    await until(() => blockOf('drill-confirm') === undefined, 'it can be pressed again')
    await page.getByTestId('drill-confirm').click()
    await until(() => isThere('follow'), 'the progress')
    expect(runs(fake, 'host.drill')).toMatchObject([{ promoteTo: { name: `${NAME}-drilled`, owner: 'acme' } }])
  })
})

describe('restoring files', () => {
  async function picked(): Promise<FakeApp> {
    const fake = await opened({ action: 'browse' })
    await until(() => isThere('tree') && element('tree').textContent.includes('notes.txt'), 'the tree')
    element('tree').focus()
    await userEvent.keyboard(' {ArrowDown} ')
    await says('picked', '2 things picked')
    await page.getByTestId('browse-restore').click()
    await until(() => isThere('files-folder'), 'the dialog')
    return fake
  }

  it('sends what was picked, and says where it is, how much, and what was skipped and why', async () => {
    const fake = await picked()
    await until(
      () => document.activeElement?.getAttribute('data-testid') === 'files-folder',
      'the folder has the focus',
    )
    await page.getByTestId('files-folder').fill('../etc')
    expect(blockOf('restore-files-confirm')).toBe('Correct the folder’s name first.')
    await page.getByTestId('files-folder').fill('rescued')
    await says('cli', '--folder rescued --host lon-1')
    await page.getByTestId('restore-files-confirm').click()
    await until(() => isThere('follow'), 'the progress')
    const [sent] = runs(fake, 'host.files')
    expect(sent).toMatchObject({ folder: 'rescued', point: point(fake, 0).id })
    expect(sent?.['paths']).toHaveLength(2)
    end(fake, {
      ...{ kind: 'restore_files', pointId: point(fake, 0).id, folder: '/srv/restored/rescued', files: 7, bytes: 2048 },
      ...{ skipped: [{ path: '/x\u001B[2J', why: 'It is a device.' }], skippedCount: 3 },
    })
    await says('result-files', '/srv/restored/rescued')
    await says('result-files', '7 files, 2 KiB')
    await says('result-skipped', String.raw`/x\u{1b}[2J`)
    await says('result-skipped', 'It is a device.')
    await says('result-skipped', 'and 2 more')
  })

  it('sends one to the tree first where nothing is picked', async () => {
    await opened({ action: 'restore-files' })
    await until(() => isThere('files-pick'), 'the dialog')
    expect(blockOf('restore-files-confirm')).toBe('Pick files or folders first.')
    await page.getByTestId('files-pick').click()
    await until(() => isThere('tree'), 'the tree')
  })
})

describe('a final backup', () => {
  async function destroying(prepare?: (fake: FakeApp) => void): Promise<FakeApp> {
    const fake = await opened({ action: null, prepare })
    await page.getByTestId('actions').click()
    await page.getByTestId('destroy').click()
    await until(() => isThere('danger-plan'), 'the plan')
    return fake
  }
  const plans = (fake: FakeApp) => runs(fake, 'host.environments.destroy.plan')

  it('is made with its progress, and comes back with a fresh plan', async () => {
    const fake = await destroying()
    await page.getByTestId('danger-name').fill(NAME)
    element('final-backup-begin').click()
    element('final-backup-begin').click()
    await until(() => isThere('final-backup-running'), 'it runs')
    expect(runs(fake, 'host.backups.now')).toHaveLength(1)
    expect(isThere('danger-confirm')).toBe(false)
    const progress = { doneBytes: 512, totalBytes: 1024, doneFiles: 1, totalFiles: 2, bytesPerSecond: null }
    fake.changeOperation(HOST, fake.running(HOST).id, { progress })
    await says('final-backup-running', '512 B of 1 KiB')
    const [{ id }] = [fake.running(HOST)]
    fake.changeOperation(HOST, id, { status: { kind: 'succeeded', endedAt: Date.now() } })
    await says('final-backup', /Backed up at .* fresh plan/)
    await until(() => plans(fake).length === 2 && isThere('danger-name'), 'a fresh plan')
    await expect.element(page.getByTestId('danger-name')).toHaveValue('')
    expect(runs(fake, 'host.environments.destroy.run')).toHaveLength(0)
  })

  it('goes on when the dialog is left', async () => {
    const fake = await destroying()
    await page.getByTestId('final-backup-begin').click()
    await until(() => isThere('final-backup-running'), 'it runs')
    await until(() => element('final-backup-running').contains(document.activeElement), 'the focus is in it')
    await userEvent.keyboard('{Escape}')
    await until(() => !isThere('final-backup-running'), 'left')
    expect(fake.running(HOST).kind).toBe('backup')
    expect(runs(fake, 'host.operations.cancel')).toHaveLength(0)
  })

  it('says that there is none where it failed, and leaves the choice', async () => {
    const fake = await destroying()
    await page.getByTestId('final-backup-begin').click()
    await until(() => isThere('final-backup-running'), 'it runs')
    const failure = new PilothouseError('repository_unreachable', 'It did not answer.').toFailure()
    fake.changeOperation(HOST, fake.running(HOST).id, { status: { kind: 'failed', endedAt: Date.now(), failure } })
    await says('failure', 'There is no backup of now.')
    await until(() => isThere('final-backup-begin') && isThere('danger-name'), 'the choice')
    expect(plans(fake)).toHaveLength(2)
  })

  it('says why none can be made', async () => {
    await destroying((fake) => {
      const { id, home } = fake.environment(HOST, NAME)!
      fake.changeEnvironment(HOST, id, { home: { ...home, goneAt: Date.now() } })
    })
    expect(blockOf('final-backup-begin')).toContain('Its home is gone')
  })
})
