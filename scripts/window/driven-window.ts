import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { _electron, chromium, type ElectronApplication, type Page } from 'playwright'
import { findChromium } from '../lib/chromium.ts'
import { ROOT } from '../lib/paths.ts'
import { Teardown } from '../lib/teardown.ts'
import { argvAs, makeFolderOf, type WindowUser } from './user.ts'
import { startWebShell } from './web-shell.ts'

/** A window of the product that a program drives: the same page in both shells. */
export interface DrivenWindow {
  readonly shell: 'electron' | 'web'
  readonly page: Page
  /** Ends the window and everything that belongs to it. */
  close(): Promise<void>
}

export interface DrivenWindowOptions {
  readonly user: WindowUser
  /** Of the window: its data folder, its display. */
  readonly environment: Record<string, string>
  /** A folder that others may pass: the programs that start windows as the user are kept in it. */
  readonly folder: string
  /** Further words on the program's command line. */
  readonly args?: readonly string[]
}

/** A window of Electron, and a hand on its main process. */
export interface DrivenElectron extends DrivenWindow {
  readonly app: ElectronApplication
}

const START_DEADLINE_MS = 60_000

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

/** A program that runs `argv` as the user, for those who start a program only by its path. */
async function launcherFor(options: DrivenWindowOptions, name: string, argv: readonly string[]): Promise<string> {
  const path = join(options.folder, name)
  const words = argvAs(options.user, argv).map(quoted).join(' ')
  await writeFile(path, `#!/bin/sh\nexec ${words} "$@"\n`)
  await chmod(path, 0o755)
  return path
}

/** Electron itself, its sandbox on, driven through its own debugging port. */
export async function openElectron(program: string, options: DrivenWindowOptions): Promise<DrivenElectron> {
  const app = await _electron.launch({
    executablePath: await launcherFor(options, 'electron', [program]),
    args: [ROOT, '--disable-gpu', ...(options.args ?? [])],
    chromiumSandbox: true,
    env: options.environment,
    timeout: START_DEADLINE_MS,
  })
  const close = (): Promise<void> => app.close()
  try {
    const page = await app.firstWindow({ timeout: START_DEADLINE_MS })
    return { shell: 'electron', app, page, close }
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
}

/** Chromium on the web shell. Without a display where the environment names none. */
export async function openBrowser(options: DrivenWindowOptions): Promise<DrivenWindow> {
  const teardown = new Teardown()
  const close = async (): Promise<void> => {
    const [problem] = await teardown.run()
    if (problem !== undefined) throw new Error(problem)
  }
  try {
    const shell = await startWebShell(options.user, options.environment)
    teardown.defer('the web shell', () => shell.close())
    const profile = join(options.user.home, 'chromium-profile')
    await makeFolderOf(options.user, profile)
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: await launcherFor(options, 'chromium', [findChromium() ?? 'chromium']),
      args: ['--no-first-run', '--disable-gpu', '--window-size=1280,900'],
      chromiumSandbox: true,
      headless: options.environment['DISPLAY'] === undefined,
      env: options.environment,
      viewport: null,
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      timeout: START_DEADLINE_MS,
    })
    teardown.defer('Chromium', () => context.close())
    const page = context.pages()[0] ?? (await context.newPage())
    await page.goto(shell.address)
    return { shell: 'web', page, close }
  } catch (error) {
    await close().catch(() => undefined)
    throw error
  }
}
