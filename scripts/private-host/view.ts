import { spawn } from 'node:child_process'
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { identifyProcess, type ProcessIdentity } from '../../host-daemon/system/processes.ts'
import { run } from '../lib/run.ts'
import { VIEW_ROOT, type HostLayout } from './layout.ts'

/** What programs in the view are given: nothing of the caller's environment. */
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/root',
  LANG: 'C.UTF-8',
}

async function isSameFolder(path: string, folder: { dev: number; ino: number }): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.dev === folder.dev && found.ino === folder.ino
}

/**
 * Every living process that runs in this host's view: sshd and its connections, the daemon, its engines and the
 * guests. Evidence is the folder they see at `VIEW_ROOT`, not what they are called or who started them.
 */
export async function processesInView(layout: HostLayout): Promise<ProcessIdentity[]> {
  const folder = await stat(layout.root).catch(() => undefined)
  if (folder === undefined) return []
  const found: ProcessIdentity[] = []
  for (const pid of (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number)) {
    if (!(await isSameFolder(`/proc/${pid}/root${VIEW_ROOT}`, folder))) continue
    const identity = await identifyProcess(pid)
    if (identity !== undefined) found.push(identity)
  }
  return found
}

/**
 * argv that runs a program in the view. All share one mount namespace for as long as one of them lives: what the
 * daemon has mounted there, the next daemon finds again.
 */
async function argvInView(layout: HostLayout, argv: readonly string[]): Promise<string[]> {
  const [member] = await processesInView(layout)
  if (member !== undefined) return ['nsenter', `--mount=/proc/${member.pid}/ns/mnt`, '--', ...argv]
  const enter = join(import.meta.dirname, 'view.main.ts')
  const stateFolder = join(layout.root, '..')
  return ['unshare', '--mount', '--propagation', 'private', process.execPath, enter, stateFolder, ...argv]
}

/** Runs a program in the view to its end. `argv[0]` is an absolute path. Throws `CommandFailed`. */
export async function runInView(layout: HostLayout, argv: readonly string[], deadlineMs: number): Promise<string> {
  return run(await argvInView(layout, argv), { env: ENVIRONMENT, deadlineMs, cwd: '/' })
}

export interface StartOptions {
  /** stdout and stderr are appended to it. */
  readonly logFile: string
  readonly environment?: Readonly<Record<string, string>>
}

/** Starts a program in the view that outlives us, in a session of its own. */
export async function startInView(
  layout: HostLayout,
  argv: readonly string[],
  options: StartOptions,
): Promise<ProcessIdentity> {
  const [file = '', ...args] = await argvInView(layout, argv)
  const log = await open(options.logFile, 'a', 0o600)
  try {
    const child = spawn(file, args, {
      detached: true,
      cwd: '/',
      env: { ...ENVIRONMENT, ...options.environment },
      stdio: ['ignore', log.fd, log.fd],
    })
    child.unref()
    child.on('error', () => undefined)
    const identity = child.pid === undefined ? undefined : await identifyProcess(child.pid)
    if (identity === undefined) throw new Error(`${argv[0] ?? ''} could not be started; see ${options.logFile}`)
    return identity
  } finally {
    await log.close()
  }
}
