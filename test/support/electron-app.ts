import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { _electron, type ElectronApplication, type Page } from 'playwright'
import { ROOT } from '../../scripts/lib/paths.ts'
import { Teardown } from '../../scripts/lib/teardown.ts'
import { openPrivateDisplay } from '../../scripts/window/display.ts'
import { findElectron } from '../../scripts/window/electron-runtime.ts'
import { argvAs, environmentOf, makeFolderOf, windowUser, type WindowUser } from '../../scripts/window/user.ts'

/** The built window as an ordinary user sees it, and a hand on its main process. */
export interface ElectronWindow {
  readonly app: ElectronApplication
  readonly page: Page
  readonly user: WindowUser
  readonly dataDirectory: string
  /** argv that starts the same program as `user`, and the environment for it. */
  readonly argv: readonly string[]
  readonly environment: Record<string, string>
  dispose(): Promise<void>
}

/** Set by the test runner: the program, or empty where it has said that there is none. */
const TEST_ELECTRON = process.env['PILOTHOUSE_TEST_ELECTRON']

/** The runner found no Electron, said so, and runs the journeys in the web shell instead. */
export const isElectronAbsent = TEST_ELECTRON === ''

async function electronProgram(user: WindowUser): Promise<string> {
  if (TEST_ELECTRON !== undefined) return TEST_ELECTRON
  const runtime = await findElectron({ user, mayInstall: false })
  if (runtime.kind === 'absent') throw new Error(runtime.why)
  return runtime.program
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`
}

/** Starts the window on a display of its own. Throws where no Electron can be had: nothing is skipped silently. */
export async function startElectronWindow(args: readonly string[] = []): Promise<ElectronWindow> {
  const teardown = new Teardown()
  const dispose = async (): Promise<void> => {
    const problems = await teardown.run()
    if (problems.length > 0) throw new Error(problems.join('; '))
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'pilothouse-window-'))
    teardown.defer('the folder', () => rm(folder, { recursive: true, force: true }))
    await chmod(folder, 0o755)
    const user = await windowUser(folder)
    const program = await electronProgram(user)
    const display = await openPrivateDisplay(user, folder)
    teardown.defer('the display', () => display.close())
    const dataDirectory = join(user.home, 'data')
    await makeFolderOf(user, dataDirectory)
    const environment = environmentOf(user, { ...display.environment, PILOTHOUSE_DATA_DIR: dataDirectory })
    const argv = argvAs(user, [program])
    const launcher = join(folder, 'electron')
    await writeFile(launcher, `#!/bin/sh\nexec ${argv.map(quoted).join(' ')} "$@"\n`)
    await chmod(launcher, 0o755)
    const app = await _electron.launch({
      executablePath: launcher,
      args: [ROOT, '--disable-gpu', ...args],
      chromiumSandbox: true,
      env: environment,
    })
    teardown.defer('the window', () => app.close())
    const page = await app.firstWindow()
    return { app, page, user, dataDirectory, argv, environment, dispose }
  } catch (error) {
    await dispose().catch(() => undefined)
    throw error
  }
}
