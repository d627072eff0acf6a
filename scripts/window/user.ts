import { chown, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The ordinary user that windows run as: Chromium's sandbox is worth nothing as root. */
export interface WindowUser {
  readonly uid: number
  readonly gid: number
  readonly home: string
  /** Nobody's account: made for the window alone, because root started us and nobody else did. */
  readonly isPrivate: boolean
}

/** Outside what Debian gives to users and services; next to the logins of a private host. */
const PRIVATE_ID = 60_874

async function homeOf(uid: number): Promise<string | undefined> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n')
  return lines.find((line) => line.split(':')[2] === String(uid))?.split(':')[5]
}

/** Who called sudo, when somebody did. */
async function sudoUser(): Promise<WindowUser | undefined> {
  const [uid, gid] = [Number(process.env['SUDO_UID']), Number(process.env['SUDO_GID'])]
  if (!Number.isInteger(uid) || !Number.isInteger(gid) || uid === 0) return undefined
  const home = await homeOf(uid)
  return home === undefined ? undefined : { uid, gid, home, isPrivate: false }
}

/** Ourselves where we are nobody special, else who called sudo, else an id of its own with a home in `folder`. */
export async function windowUser(folder: string): Promise<WindowUser> {
  const uid = process.getuid?.() ?? 0
  if (uid !== 0) return { uid, gid: process.getgid?.() ?? uid, home: process.env['HOME'] ?? folder, isPrivate: false }
  const caller = await sudoUser()
  if (caller !== undefined) return caller
  return privateUser(folder)
}

async function privateUser(folder: string): Promise<WindowUser> {
  const home = join(folder, 'home')
  await mkdir(home, { recursive: true, mode: 0o700 })
  await chown(home, PRIVATE_ID, PRIVATE_ID)
  return { uid: PRIVATE_ID, gid: PRIVATE_ID, home, isPrivate: true }
}

/** Makes a folder that belongs to the user alone. */
export async function makeFolderOf(user: WindowUser, path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (process.getuid?.() === 0) await chown(path, user.uid, user.gid)
}

/** What of our environment a program of the user's may see. */
const PASSED_ON = [
  'PATH',
  'LANG',
  'LC_ALL',
  'TZ',
  'DISPLAY',
  'XAUTHORITY',
  'WAYLAND_DISPLAY',
  'XDG_RUNTIME_DIR',
  'XDG_SESSION_TYPE',
  'DBUS_SESSION_BUS_ADDRESS',
]

/** The environment of a program that runs as the user, with `extra` on top. */
export function environmentOf(user: WindowUser, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
  const passed = PASSED_ON.flatMap((name) => {
    const value = process.env[name]
    // A folder below another user's XDG_RUNTIME_DIR could not be read anyway.
    return value === undefined || (user.isPrivate && name.startsWith('XDG_')) ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(passed), HOME: user.home, ...extra }
}

/** argv that runs `argv` as the user: as it is where that is us, else through setpriv. */
export function argvAs(user: WindowUser, argv: readonly string[]): string[] {
  if (process.getuid?.() !== 0) return [...argv]
  const groups = user.isPrivate ? '--clear-groups' : '--init-groups'
  return ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, groups, '--', ...argv]
}
