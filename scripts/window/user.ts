import { chmod, chown, mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
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
}

/** Outside what Debian gives to users and services; next to the logins of a private host. */
export const PRIVATE_ID = 60_874

const isRoot = process.getuid?.() === 0

/** Ourselves where we are nobody special, else who called sudo, else an id of its own. Its home is `folder`/home. */
export async function windowUser(folder: string): Promise<WindowUser> {
  const home = join(folder, 'home')
  const [sudoUid, sudoGid] = [Number(process.env['SUDO_UID']), Number(process.env['SUDO_GID'])]
  const user = ((): WindowUser => {
    if (!isRoot) return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, home, isPrivate: false }
    if (sudoUid > 0 && sudoGid > 0) return { uid: sudoUid, gid: sudoGid, home, isPrivate: false }
    return { uid: PRIVATE_ID, gid: PRIVATE_ID, home, isPrivate: true }
  })()
  await makeFolderOf(user, home)
  if (user.isPrivate) await chmod(folder, 0o711)
  return user
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

/**
 * argv that runs `argv` as the user: as it is where that is us, else through setpriv. A private user is given an
 * account and a way to the project first, in a mount namespace that nobody else sees.
 */
export function argvAs(user: WindowUser, argv: readonly string[]): string[] {
  if (!isRoot) return [...argv]
  const groups = user.isPrivate ? '--clear-groups' : '--init-groups'
  const drop = ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, groups, '--', ...argv]
  if (!user.isPrivate) return drop
  const view = join(import.meta.dirname, 'view.main.ts')
  const enter = ['unshare', '--mount', '--propagation', 'private', installedProgram('node'), view]
  return [...enter, user.home, dirname(user.home), ROOT, '--', ...drop]
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
