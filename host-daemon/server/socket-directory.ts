import type { Server } from 'node:http'
import { join } from 'node:path'
import { PROTOCOL_VERSION } from '../../src-shared/model/daemon.ts'
import { ROLES, socketNameOf, type Role, type SocketsFile } from '../../src-shared/model/role.ts'
import type { Settings } from '../config/settings.ts'
import { StartRefusal } from '../config/start-refusal.ts'
import { findGroup, groupOf, type Group } from '../system/accounts.ts'
import { writeFileAtomic } from '../system/files.ts'
import { ensureFolderWithMode, removeFile } from '../system/folders.ts'
import { takeLock, type Lock } from '../system/locks.ts'
import { inspectSocket, listenAt } from '../system/unix-sockets.ts'

const SOCKETS_FILE = 'sockets.json'
const LOCK_FILE = '.pilothoused.lock'

/** Null: the daemon's own user alone. */
export type RoleGroups = Readonly<Record<Role, Group | null>>

/** The groups that the settings name. Throws `StartRefusal` for one that the host does not have. */
export async function resolveRoleGroups(named: Settings['roleGroups']): Promise<RoleGroups> {
  const groups = await Promise.all(ROLES.map(async (role) => [role, await resolveGroup(role, named[role])] as const))
  return Object.fromEntries(groups) as Record<Role, Group | null>
}

async function resolveGroup(role: Role, nameOrGid: string | null): Promise<Group | null> {
  if (nameOrGid === null) return null
  const group = await findGroup(nameOrGid)
  if (group !== undefined) return group
  throw new StartRefusal(
    `setting roleGroups.${role} names the group ${JSON.stringify(nameOrGid)}, which this host does not have; make it (groupadd --system ${nameOrGid}), name another, or give null`,
  )
}

/** The directory of the role sockets, held by this daemon alone until `release`. */
export class SocketDirectory {
  private readonly path: string
  private readonly lock: Lock

  private constructor(path: string, lock: Lock) {
    this.path = path
    this.lock = lock
  }

  /** Throws `StartRefusal` when another daemon serves this directory. */
  static async take(path: string): Promise<SocketDirectory> {
    await ensureFolderWithMode(path, 0o755)
    const lock = await takeLock(join(path, LOCK_FILE))
    if (lock === undefined)
      throw new StartRefusal(`another pilothoused serves ${path} (setting socketDirectory); stop it first`)
    try {
      for (const role of ROLES) await refuseOccupied(socketPath(path, role))
      return new SocketDirectory(path, lock)
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** From here on the role's socket can be connected to. */
  async open(role: Role, server: Server, group: Group | null): Promise<void> {
    try {
      await listenAt(server, socketPath(this.path, role), { gid: group?.gid ?? null })
    } catch (cause) {
      const says = cause instanceof Error ? cause.message : String(cause)
      throw new StartRefusal(`${socketPath(this.path, role)} cannot be opened: ${says}`, { cause })
    }
  }

  /** Tells everyone which sockets exist, and whom to ask for access. */
  async announce(groups: RoleGroups, version: string): Promise<void> {
    const own = await groupOf(process.getgid?.() ?? 0)
    const file: SocketsFile = {
      protocol: PROTOCOL_VERSION,
      version,
      sockets: ROLES.map((role) => ({
        role,
        path: socketPath(this.path, role),
        group: groups[role]?.name ?? own.name,
      })),
    }
    await writeFileAtomic(join(this.path, SOCKETS_FILE), `${JSON.stringify(file, null, 2)}\n`, { mode: 0o644 })
  }

  /** Takes the sockets away and lets another daemon have the directory. */
  async release(): Promise<void> {
    const names = [SOCKETS_FILE, ...ROLES.map(socketNameOf)]
    await Promise.all(names.map((name) => removeFile(join(this.path, name))))
    await this.lock.release()
  }
}

function socketPath(directory: string, role: Role): string {
  return join(directory, socketNameOf(role))
}

/** A socket that nobody answers on is left from a daemon that was killed, and is replaced. */
async function refuseOccupied(path: string): Promise<void> {
  const occupant = await inspectSocket(path)
  if (occupant === 'answering') throw new StartRefusal(`something answers at ${path} already; stop it first`)
  if (occupant === 'foreign') throw new StartRefusal(`${path} is not a socket; it is not replaced, move it away`)
}
