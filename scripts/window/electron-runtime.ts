import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fromRoot, installedProgram } from '../lib/paths.ts'
import { runAny } from '../lib/run.ts'
import { argvAs, environmentOf, type WindowUser } from './user.ts'

/** An Electron that can run the window, or one sentence why there is none. */
export type ElectronRuntime =
  | { readonly kind: 'found'; readonly program: string; readonly version: string }
  | { readonly kind: 'absent'; readonly why: string }

const INSTALL_DEADLINE_MS = 300_000
const PROBE_DEADLINE_MS = 60_000

const INSTALLED = fromRoot('node_modules', 'electron', 'dist', 'electron')

/** What main needs of a runtime beside Node: it crashes without a word where the native part does not fit. */
const PROBE = `new (require(process.argv[1]))(':memory:').prepare('select 1').get(); console.log(process.versions.electron)`

function lastLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  return (
    lines.filter((line) => line !== '' && !line.startsWith('at ') && !/^Node\.js v/.test(line)).at(-1) ?? 'no message'
  )
}

async function probe(program: string, user: WindowUser): Promise<ElectronRuntime> {
  const argv = argvAs(user, [program, '-e', PROBE, fromRoot('node_modules', 'better-sqlite3')])
  const env = environmentOf(user, { ELECTRON_RUN_AS_NODE: '1' })
  const { exitCode, stdout, output } = await runAny(argv, { env, deadlineMs: PROBE_DEADLINE_MS, cwd: '/' })
  if (exitCode === 0) return { kind: 'found', program, version: stdout.trim() }
  return { kind: 'absent', why: `${program} cannot run the window (exit ${exitCode}: ${lastLine(output)})` }
}

async function install(): Promise<string | undefined> {
  const argv = [installedProgram('node'), installedProgram('install-electron')]
  const { exitCode, output } = await runAny(argv, { cwd: fromRoot(), deadlineMs: INSTALL_DEADLINE_MS })
  if (exitCode === 0 && existsSync(INSTALLED)) return undefined
  const reason = /^.*(?:Error|error):.*$/m.exec(output)?.[0].trim() ?? lastLine(output)
  return `Electron's runtime could not be downloaded (${reason})`
}

export interface FindElectronOptions {
  readonly user: WindowUser
  /** Whether a runtime that is not there may be downloaded. */
  readonly mayInstall: boolean
}

/** By override, then the installed binary, then by downloading it; each only counts when it runs and fits. */
export async function findElectron(options: FindElectronOptions): Promise<ElectronRuntime> {
  const { user, mayInstall } = options
  const override = process.env['ELECTRON_OVERRIDE_DIST_PATH']
  if (override !== undefined && override !== '') {
    const program = join(override, 'electron')
    if (existsSync(program)) return probe(program, user)
    return { kind: 'absent', why: `ELECTRON_OVERRIDE_DIST_PATH names ${override}, where there is no electron` }
  }
  if (existsSync(INSTALLED)) return probe(INSTALLED, user)
  if (!mayInstall) return { kind: 'absent', why: "Electron's runtime is not installed" }
  const failure = await install()
  return failure === undefined ? probe(INSTALLED, user) : { kind: 'absent', why: failure }
}
