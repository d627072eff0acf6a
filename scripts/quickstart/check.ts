import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Page } from 'playwright'
import type { Teardown } from '../lib/teardown.ts'
import { typeAndRead, waitForConsole } from '../journey/console-screen.ts'
import {
  destroyThroughDialog,
  spawnThroughDialog,
  stopThroughButton,
  waitForHost,
  waitForReady,
} from '../journey/environment-screen.ts'
import { openPrivateDisplay } from '../window/display.ts'
import { openBrowser, openElectron, type DrivenWindow } from '../window/driven-window.ts'
import { HOST_NAME } from './console-cli.ts'
import type { Progress } from './progress.ts'
import type { Session } from './session.ts'

/** What `--check` prints, as one JSON line. Times are milliseconds. */
export interface CheckResult {
  readonly ok: true
  readonly shell: 'electron' | 'web'
  /** Why it was not Electron, where it was not. */
  readonly why?: string
  readonly timesMs: Readonly<Record<string, number>>
}

async function openWindow(session: Session, teardown: Teardown): Promise<DrivenWindow> {
  const { user, cli, electron, folder } = session
  const display = await openPrivateDisplay(user, folder)
  teardown.defer('the display', () => display.close())
  const options = { user, folder, environment: { ...cli.environment, ...display.environment } }
  const window = await (electron.kind === 'found' ? openElectron(electron.program, options) : openBrowser(options))
  teardown.defer('the window', () => window.close())
  return window
}

/** The whole journey in the real window, by what stands on screen. Resolves only when every step was seen. */
export async function check(session: Session, progress: Progress, teardown: Teardown): Promise<CheckResult> {
  const { page, shell } = await progress.time('window', () => openWindow(session, teardown))
  progress.say(`The window is open (${shell === 'electron' ? 'Electron' : 'Chromium on the web shell'}).`)
  try {
    await journey(page, progress)
  } catch (error) {
    const picture = join(session.folder, 'check-failed.png')
    await page.screenshot({ path: picture }).catch(() => undefined)
    throw new Error(`The window did not show what it should; see ${picture}`, { cause: error })
  }
  const why = session.electron.kind === 'absent' ? { why: session.electron.why } : {}
  return { ok: true, shell, ...why, timesMs: progress.times }
}

async function journey(page: Page, progress: Progress): Promise<void> {
  const name = `check-${randomBytes(3).toString('hex')}`
  await progress.time('connect', () => waitForHost(page, HOST_NAME))
  progress.say(`Making the environment ${name}.`)
  await progress.time('ready', async () => {
    await spawnThroughDialog(page, name)
    await waitForReady(page)
  })
  await progress.time('console', () => waitForConsole(page))
  await progress.time('echo', () => typeAndRead(page, 'echo hello-$((6*7))', 'hello-42'))
  progress.mark('typed')
  progress.say('Typed into its console, and read the answer there.')
  await progress.time('stop', () => stopThroughButton(page))
  await progress.time('destroy', () => destroyThroughDialog(page, name))
  progress.say('Stopped and destroyed it.')
}
