import { spawn } from 'node:child_process'
import { chmod, chown, mkdir, readFile } from 'node:fs/promises'
import { Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { installedProgram, ROOT } from '../lib/paths.ts'
import { runAny } from '../lib/run.ts'

/** The ordinary user that windows run as: Chromium's sandbox is worth nothing as root. */
export interface WindowUser {
  readonly uid: number
  readonly gid: number
  /** Where windows keep what they keep: never the person's own home. */
  readonly home: string
  /** Nobody's account: made for the window alone, because root started us and nobody else did. */
  readonly isPrivate: boolean
  /** argv that leads into the user's own view of the machine, where there is one. */
  readonly enter: readonly string[]
}

/** Outside what Debian gives to users and services; next to the logins of a private host. */
export const PRIVATE_ID = 60_874

const isRoot = process.getuid?.() === 0

/** Ourselves where we are nobody special, else who called sudo, else an id of its own. Its home is `folder`/home. */
export async function windowUser(folder: string): Promise<WindowUser> {
  const [uid, gid] = ordinaryIds()
  const user = { uid, gid, home: join(folder, 'home'), isPrivate: uid === PRIVATE_ID, enter: [] }
  await makeFolderOf(user, user.home)
  if (!user.isPrivate) return user
  await chmod(folder, 0o711)
  return { ...user, enter: await openView(user) }
}

function ordinaryIds(): [uid: number, gid: number] {
  if (!isRoot) return [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
  const [uid, gid] = [Number(process.env['SUDO_UID']), Number(process.env['SUDO_GID'])]
  return uid > 0 && gid > 0 ? [uid, gid] : [PRIVATE_ID, PRIVATE_ID]
}

/**
 * A mount namespace in which a private user has an account and a way to the project. It lasts as long as we do, and
 * as what was started in it.
 */
async function openView({ home }: WindowUser): Promise<string[]> {
  const view = join(import.meta.dirname, 'view.main.ts')
  const unshare = ['--mount', '--propagation', 'private', installedProgram('node'), view, home, dirname(home), ROOT]
  const holder = spawn('unshare', unshare, { stdio: ['pipe', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: holder.stdout })) {
    if (line !== 'ready') continue
    holder.unref()
    // Pipes to a child are sockets, which need not keep us alive.
    for (const pipe of [holder.stdin, holder.stdout]) if (pipe instanceof Socket) pipe.unref()
    return ['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, '--']
  }
  throw new Error('the window’s own view of the machine could not be made')
}

/** Makes a folder that belongs to the user alone. */
export async function makeFolderOf(user: WindowUser, path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (isRoot) await chown(path, user.uid, user.gid)
}

/** What of our environment a program of the user's may see. */
const PASSED_ON = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'DISPLAY', 'XAUTHORITY', 'WAYLAND_DISPLAY']
/** These lead to the session of whoever started us; a user who is somebody else could not use them. */
const OF_THE_SESSION = ['XDG_RUNTIME_DIR', 'XDG_SESSION_TYPE', 'DBUS_SESSION_BUS_ADDRESS']

/** The environment of a program that runs as the user, with `extra` on top. */
export function environmentOf(user: WindowUser, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const names = user.isPrivate ? PASSED_ON : [...PASSED_ON, ...OF_THE_SESSION]
  const passed = names.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  const folders = {
    HOME: user.home,
    XDG_CONFIG_HOME: join(user.home, '.config'),
    XDG_CACHE_HOME: join(user.home, '.cache'),
    XDG_DATA_HOME: join(user.home, '.local', 'share'),
  }
  return { ...Object.fromEntries(passed), ...folders, ...extra }
}

/** However we end, what we have started for the window ends too. */
const END_WITH_US = ['--pdeathsig', 'TERM']

/**
 * argv that runs `argv` as the user, in the user's own view where there is one. File descriptors are passed on.
 */
export function argvAs(user: WindowUser, argv: readonly string[]): string[] {
  if (!isRoot) return ['setpriv', ...END_WITH_US, '--', ...argv]
  const groups = user.isPrivate ? '--clear-groups' : '--init-groups'
  return [...user.enter, 'setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, groups, ...END_WITH_US, '--', ...argv]
}

/** Whether the user can read the project at all; a tree of files that only root may read cannot be shown. */
export async function canReadProject(user: WindowUser): Promise<boolean> {
  if (!isRoot) return true
  const file = join(ROOT, 'package.json')
  return (await runAny(argvAs(user, ['test', '-r', file]), { env: environmentOf(user) })).exitCode === 0
}

/** The X authority of whoever started us, where it is not named: what a window of another home would not find. */
export async function defaultAuthority(): Promise<Record<string, string>> {
  const home = process.env['HOME']
  if (process.env['XAUTHORITY'] !== undefined || home === undefined) return {}
  const path = join(home, '.Xauthority')
  const isThere = await readFile(path).then(
    () => true,
    () => false,
  )
  return isThere ? { XAUTHORITY: path } : {}
}
