import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { findChromium } from '../lib/chromium.ts'
import { ROOT } from '../lib/paths.ts'
import type { ElectronRuntime } from './electron-runtime.ts'
import { argvAs, type WindowUser } from './user.ts'
import { startWebShell, type WebShell } from './web-shell.ts'

/** A window for a person, or the address of one. */
export interface PersonWindow {
  /** One sentence: what was opened, and why not something better. */
  readonly says: string
  /** Resolves when the person has closed it. */
  readonly closed: Promise<void>
  close(): Promise<void>
}

export interface PersonWindowOptions {
  readonly user: WindowUser
  readonly environment: Record<string, string>
  /** The screen to begin with, such as `/environments/host-…/env-…`. */
  readonly route: string
}

interface Program {
  readonly closed: Promise<void>
  close(): Promise<void>
}

function startProgram(options: PersonWindowOptions, argv: readonly string[]): Program {
  const [file = '', ...args] = argvAs(options.user, argv)
  const child = spawn(file, args, { cwd: '/', env: options.environment, stdio: 'ignore' })
  const closed = Promise.race([once(child, 'exit'), once(child, 'error')]).then(() => undefined)
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await closed
  }
  return { closed, close }
}

export function openPersonElectron(
  runtime: ElectronRuntime & { kind: 'found' },
  options: PersonWindowOptions,
): PersonWindow {
  const program = startProgram(options, [runtime.program, ROOT, `--open=${options.route}`])
  return { says: `The window is open (Electron ${runtime.version}). Close it to stop everything.`, ...program }
}

/** Chromium as an app window on the web shell; without a display, only the web shell. */
export async function openPersonBrowser(options: PersonWindowOptions, why: string | undefined): Promise<PersonWindow> {
  const shell = await startWebShell(options.user, options.environment)
  const address = `${shell.address}#${options.route}`
  if (why === undefined) return addressOnly(shell, address)
  const profile = join(options.user.home, 'chromium-app')
  const argv = [findChromium() ?? 'chromium', `--app=${address}`, `--user-data-dir=${profile}`, '--no-first-run']
  const program = startProgram(options, argv)
  const close = async (): Promise<void> => {
    await program.close()
    await shell.close()
  }
  const says = `The window is open in Chromium, on the web shell, because ${why}. Close it to stop everything.`
  return { says, closed: Promise.race([program.closed, shell.ended]), close }
}

function addressOnly(shell: WebShell, address: string): PersonWindow {
  const says = `There is no display here. Open this in a browser on this machine; Ctrl-C stops everything:\n${address}`
  return { says, closed: shell.ended, close: () => shell.close() }
}
