import type { Clock } from '../../src-shared/lib/clock.ts'
import { libc, lookUp } from './libc.ts'

/** How long a name is believed, in milliseconds. */
const NAME_AGE_MS = 60_000

/** The login name of a uid, or `uid:N` where the host has no name for it or cannot be asked. */
export class UserNames {
  private readonly clock: Clock
  private readonly known = new Map<number, { readonly name: Promise<string>; readonly askedAt: number }>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  nameOf(uid: number): Promise<string> {
    const known = this.known.get(uid)
    const now = this.clock.now()
    if (known !== undefined && now - known.askedAt < NAME_AGE_MS) return known.name
    const name = askForUser(uid)
    this.known.set(uid, { name, askedAt: now })
    return name
  }
}

async function askForUser(uid: number): Promise<string> {
  try {
    const entry = await lookUp<{ name: string }>(libc().getpwuid_r, uid)
    return entry?.name ?? `uid:${uid}`
  } catch {
    return `uid:${uid}`
  }
}

/** A group by name or number. */
export interface Group {
  readonly gid: number
  readonly name: string
}

/** Undefined when the host has no group of that name. A number needs no name: it stands for itself. */
export async function findGroup(nameOrGid: string): Promise<Group | undefined> {
  if (/^[0-9]+$/.test(nameOrGid)) return await groupOf(Number(nameOrGid))
  const entry = await lookUp<{ gid: number }>(libc().getgrnam_r, nameOrGid)
  return entry === undefined ? undefined : { gid: entry.gid, name: nameOrGid }
}

export async function groupOf(gid: number): Promise<Group> {
  const entry = await lookUp<{ name: string }>(libc().getgrgid_r, gid)
  return { gid, name: entry?.name ?? String(gid) }
}
