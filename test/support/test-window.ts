import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright'
import { ROOT } from '../../scripts/lib/paths.ts'
import { Teardown } from '../../scripts/lib/teardown.ts'
import { ConsoleCli } from '../../scripts/quickstart/console-cli.ts'
import { DAEMON_BUNDLE } from '../../scripts/private-host/daemon.ts'
import type { Login } from '../../scripts/private-host/layout.ts'
import { openPrivateDisplay } from '../../scripts/window/display.ts'
import { openBrowser, openElectron, type DrivenWindow } from '../../scripts/window/driven-window.ts'
import { findElectron } from '../../scripts/window/electron-runtime.ts'
import { makeFolderOf, windowUser, type WindowUser } from '../../scripts/window/user.ts'
import { startTestHost, type TestHost } from './private-host.ts'

export type Shell = DrivenWindow['shell']

/** Set by the test runner: Electron's program, or empty where it has said that there is none. */
const TEST_ELECTRON = process.env['PILOTHOUSE_TEST_ELECTRON']

/** The shells whose journeys run here. Without the runner both are wanted, and a missing Electron is a failure. */
export const SHELLS: readonly Shell[] = TEST_ELECTRON === '' ? ['web'] : ['electron', 'web']

/** A host of its own and a window on it, as one of its logins. */
export interface TestWindow {
  readonly shell: Shell
  readonly page: Page
  readonly testHost: TestHost
  readonly cli: ConsoleCli
  /** The host's id in this console's list; its name is `local`. */
  readonly hostId: string
  dispose(): Promise<void>
}

/** The program of the window's Electron. Throws where there is none. */
export async function electronProgram(user: WindowUser): Promise<string> {
  if (TEST_ELECTRON !== undefined && TEST_ELECTRON !== '') return TEST_ELECTRON
  const runtime = await findElectron({ user, mayInstall: false })
  if (runtime.kind === 'absent') throw new Error(runtime.why)
  return runtime.program
}

async function temporaryFolder(teardown: Teardown): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'pilothouse-window-'))
  teardown.defer('the folder', () => rm(folder, { recursive: true, force: true }))
  await chmod(folder, 0o711)
  return folder
}

type Parts = Omit<TestWindow, 'dispose'>

async function opened(open: (teardown: Teardown) => Promise<Parts>): Promise<TestWindow> {
  const teardown = new Teardown()
  const dispose = async (): Promise<void> => {
    const problems = await teardown.run()
    if (problems.length > 0) throw new Error(problems.join('; '))
  }
  try {
    return { ...(await open(teardown)), dispose }
  } catch (error) {
    await dispose().catch(() => undefined)
    throw error
  }
}

/** Starts a host with the image `minimal@1` and opens the built window on it. Whoever opens one disposes it. */
export function openTestWindow(shell: Shell, login: Login): Promise<TestWindow> {
  return opened(async (teardown) => {
    const folder = await temporaryFolder(teardown)
    const user = await windowUser(folder)
    const testHost = await startTestHost({ image: 'minimal', daemonEntry: DAEMON_BUNDLE, client: user })
    teardown.defer('the host', () => testHost.dispose())
    return openOn({ testHost, folder, user }, { shell, login }, teardown)
  })
}

/** Another console, with a memory of its own, on the host of the first; to be disposed before that. */
export function openAnotherWindow(testHost: TestHost, shell: Shell, login: Login): Promise<TestWindow> {
  return opened(async (teardown) => {
    const folder = await temporaryFolder(teardown)
    return openOn({ testHost, folder, user: await windowUser(folder) }, { shell, login }, teardown)
  })
}

interface Place {
  readonly testHost: TestHost
  readonly folder: string
  readonly user: WindowUser
}

async function openOn(
  { testHost, folder, user }: Place,
  { shell, login }: { readonly shell: Shell; readonly login: Login },
  teardown: Teardown,
): Promise<Parts> {
  const data = join(user.home, 'console')
  await makeFolderOf(user, data)
  const cli = new ConsoleCli(user, data)
  const hostId = await cli.register({ target: testHost.targets[login], fingerprint: testHost.fingerprint })
  const display = await openPrivateDisplay(user, folder)
  teardown.defer('the display', () => display.close())
  const options = { user, folder, environment: { ...cli.environment, ...display.environment } }
  const window = await (shell === 'electron'
    ? openElectron(await electronProgram(user), options)
    : openBrowser(options))
  teardown.defer('the window', () => window.close())
  return { shell, page: window.page, testHost, cli, hostId }
}

const SCHEMES = ['light', 'dark'] as const

/** Keeps a picture of what is on screen in both themes, under test-results/screens; nobody compares them but people. */
export async function keepScreens(window: Pick<TestWindow, 'shell' | 'page'>, name: string): Promise<void> {
  const folder = join(ROOT, 'test-results', 'screens', window.shell)
  await mkdir(folder, { recursive: true })
  for (const colorScheme of SCHEMES) {
    await window.page.emulateMedia({ colorScheme })
    await window.page.waitForFunction(
      (isDark) => document.documentElement.classList.contains('dark') === isDark,
      colorScheme === 'dark',
    )
    await window.page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`), animations: 'disabled' })
  }
}
