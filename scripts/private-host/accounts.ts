import { chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LOGINS, type HostLayout, type Login } from './layout.ts'

/** First of three numeric ids, outside what Debian gives to users and services; the same for user and group. */
const ID_BASE = 60_871
const SSHD_ID = 60_870

/** The numeric id of a login and of its role's group. */
export function idOf(login: Login): number {
  return ID_BASE + LOGINS.indexOf(login)
}

export function groupOf(login: Login): string {
  return `pilothouse-${login}`
}

/** Lines of the machine's own file whose name and number are not among ours. */
function foreignLines(text: string, names: readonly string[], ids: readonly number[]): string[] {
  return text.split('\n').filter((line) => {
    const [name = '', , id = ''] = line.split(':')
    return line !== '' && !names.includes(name) && !ids.includes(Number(id))
  })
}

function passwdText(machine: string, homes: string): string {
  const others = foreignLines(machine, LOGINS, [...LOGINS.map(idOf), SSHD_ID])
  // sshd drops to this account before anyone has logged in; its package makes it, if it was ever configured.
  const sshd = others.some((line) => line.startsWith('sshd:'))
    ? []
    : [`sshd:x:${SSHD_ID}:65534::/run/sshd:/usr/sbin/nologin`]
  const ours = LOGINS.map((login) => `${login}:x:${idOf(login)}:${idOf(login)}::${join(homes, login)}:/bin/sh`)
  return [...others, ...sshd, ...ours, ''].join('\n')
}

/** Each role's group holds the logins of that role and of the higher ones. */
function groupText(machine: string): string {
  const others = foreignLines(machine, LOGINS.map(groupOf), LOGINS.map(idOf))
  const ours = LOGINS.map((login, rank) => `${groupOf(login)}:x:${idOf(login)}:${LOGINS.slice(rank).join(',')}`)
  return [...others, ...ours, ''].join('\n')
}

/** Nobody has a password; `*` and not `!`, which an sshd without PAM takes for a locked account. */
function shadowText(): string {
  return ['root', ...LOGINS].map((login) => `${login}:*:19000:0:99999:7:::\n`).join('')
}

/**
 * Writes the host's own passwd, group and shadow: the machine's accounts by name and number, without their
 * passwords, and the three logins. The machine's files are only read.
 */
export async function writeAccounts(layout: HostLayout): Promise<void> {
  await mkdir(layout.accounts, { recursive: true, mode: 0o755 })
  const passwd = passwdText(await readFile('/etc/passwd', 'utf8'), layout.inView(layout.homes))
  await writeFile(join(layout.accounts, 'passwd'), passwd, { mode: 0o644 })
  await writeFile(join(layout.accounts, 'group'), groupText(await readFile('/etc/group', 'utf8')), { mode: 0o644 })
  await writeFile(join(layout.accounts, 'shadow'), shadowText(), { mode: 0o600 })
  for (const login of LOGINS) {
    const home = join(layout.homes, login)
    await mkdir(home, { recursive: true, mode: 0o755 })
    await chown(home, idOf(login), idOf(login))
  }
}
