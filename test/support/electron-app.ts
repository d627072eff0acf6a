import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ElectronApplication, Page } from 'playwright'
import { Teardown } from '../../scripts/lib/teardown.ts'
import { openPrivateDisplay } from '../../scripts/window/display.ts'
import { openElectron } from '../../scripts/window/driven-window.ts'
import { argvAs, environmentOf, makeFolderOf, windowUser, type WindowUser } from '../../scripts/window/user.ts'
import { electronProgram, SHELLS } from './test-window.ts'

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

/** The runner found no Electron, said so, and runs the journeys in the web shell instead. */
export const isElectronAbsent = !SHELLS.includes('electron')

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
    const opened = await openElectron(program, { user, folder, environment, args })
    teardown.defer('the window', () => opened.close())
    const { app, page } = opened
    return { app, page, user, dataDirectory, argv: argvAs(user, [program]), environment, dispose }
  } catch (error) {
    await dispose().catch(() => undefined)
    throw error
  }
}
