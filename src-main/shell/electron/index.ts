import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { app, Menu, powerMonitor, session, type BrowserWindow } from 'electron'
import { createBridge } from '../../bridge/bridge.ts'
import { createConsoleCore } from '../../index.ts'
import { dataDirectory } from '../data-directory.ts'
import { VERSION } from '../version.ts'
import { acceptChannels } from './channels.ts'
import { isDebugged } from './debugged.ts'
import { lockAllContents, lockSession } from './lock-down.ts'
import { servePage } from './page.ts'
import { addressOf, openWindow } from './window.ts'

/** Composition root of the window. */

const RENDERER = fileURLToPath(new URL('../renderer', import.meta.url))
const PRELOAD = fileURLToPath(new URL('../preload/preload.cjs', import.meta.url))
/** Each opens a wall, or a port, between the page and whoever else is on the machine. */
const DEBUGGER_SWITCHES = ['no-sandbox', 'disable-web-security', 'remote-debugging-port', 'remote-debugging-pipe']
const ROUTE = /^\/[\w@.-]*(?:\/[\w@.-]+)*$/

/** Why this process must not show a window; undefined where it may. */
function refusal(): string | undefined {
  if (process.getuid?.() === 0) {
    return 'Pilothouse does not open its window as root, because the sandbox of its page would be off. Run it as an ordinary user, or use `npm run serve`.'
  }
  const opened = isDebugged() ? undefined : DEBUGGER_SWITCHES.find((name) => app.commandLine.hasSwitch(name))
  return opened === undefined ? undefined : `Pilothouse does not run with --${opened} outside a debugger.`
}

function routeOf(argv: readonly string[]): string | undefined {
  const route = argv.find((word) => word.startsWith('--open='))?.slice('--open='.length)
  return route !== undefined && ROUTE.test(route) ? route : undefined
}

function takeDataDirectory(): string {
  const asked = app.commandLine.getSwitchValue('data-dir')
  const directory = resolve(asked === '' ? dataDirectory(process.env, homedir()) : asked)
  // What there is one of, is one for each data folder: Chromium's files and the lock of the single instance.
  mkdirSync(join(directory, 'window'), { recursive: true, mode: 0o700 })
  app.setPath('userData', join(directory, 'window'))
  return directory
}

async function show(dataDir: string): Promise<void> {
  const shown: { window?: BrowserWindow } = {}
  app.on('second-instance', (_event, argv) => {
    const { window } = shown
    const route = routeOf(argv)
    // Left by the next one, or by the window's end.
    if (route !== undefined) window?.loadURL(addressOf(route)).catch(() => undefined)
    if (window?.isMinimized() === true) window.restore()
    window?.focus()
  })
  await app.whenReady()
  Menu.setApplicationMenu(null)
  lockSession(session.defaultSession, { hasPage: false })
  // Not the folder of the default session: two of them on one code cache wait for each other for ever.
  const own = session.fromPath(join(dataDir, 'page'))
  lockSession(own, { hasPage: true })
  servePage(own, RENDERER)
  const core = createConsoleCore({ dataDirectory: dataDir, shell: 'electron', version: VERSION })
  app.on('will-quit', () => core.dispose())
  acceptChannels(createBridge(core), () => shown.window)
  core.start()
  powerMonitor.on('resume', () => core.fleet.wake())
  shown.window = openWindow({
    session: own,
    settings: core.store.settings,
    preload: PRELOAD,
    route: routeOf(process.argv) ?? '/',
    onFailure: (error) => fail(`The page could not be shown: ${String(error)}`),
  })
}

function fail(says: string): void {
  process.stderr.write(`${says}\n`)
  app.exit(1)
}

const says = refusal()
if (says !== undefined) fail(says)
else {
  // Every window asks for the sandbox itself; this is for one that would forget to, where there is still time.
  if (!app.isReady()) app.enableSandbox()
  // The page has no business on any network; names that the request filter never sees are not asked for either.
  app.commandLine.appendSwitch('host-resolver-rules', 'MAP * ~NOTFOUND')
  lockAllContents()
  const dataDir = takeDataDirectory()
  app.on('window-all-closed', () => app.quit())
  if (app.requestSingleInstanceLock()) {
    show(dataDir).catch((error: unknown) => fail(error instanceof Error ? error.message : String(error)))
  } else app.quit()
}
