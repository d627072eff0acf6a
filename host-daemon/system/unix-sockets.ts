import { chmod, chown, mkdir, rename, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { ownFactsOf } from './presence.ts'

/** Who may connect, beside the daemon's own user. */
export interface SocketAccess {
  /** Null: nobody else. */
  readonly gid: number | null
}

export type SocketOccupant = 'absent' | 'stale' | 'answering' | 'foreign'

/** What is at a socket's path now; `foreign` is a file that is no socket. Throws when the host does not say. */
export async function inspectSocket(path: string): Promise<SocketOccupant> {
  const facts = await ownFactsOf(path)
  if (facts === undefined) return 'absent'
  if (!facts.isSocket()) return 'foreign'
  return await new Promise((resolve, reject) => {
    const probe = connect(path)
    probe.once('connect', () => resolve('answering'))
    probe.once('error', (error) => {
      if (codeOf(error) === 'ECONNREFUSED') resolve('stale')
      else if (codeOf(error) === 'ENOENT') resolve('absent')
      else reject(error)
    })
    probe.once('connect', () => probe.destroy())
  })
}

/**
 * Makes `server` listen at `path`. Nobody can connect before owner and mode are right: the socket is made in a
 * directory of the daemon's own and moved into place, over a stale one, in one step.
 */
export async function listenAt(server: Server, path: string, access: SocketAccess): Promise<void> {
  const nursery = join(dirname(path), `.making-${process.pid}`)
  await mkdir(nursery, { mode: 0o700, recursive: true })
  const unfinished = join(nursery, 's')
  try {
    await listening(server, unfinished)
    if (access.gid !== null) await chown(unfinished, process.getuid?.() ?? 0, access.gid)
    await chmod(unfinished, access.gid === null ? 0o600 : 0o660)
    await rename(unfinished, path)
  } finally {
    await rm(nursery, { recursive: true, force: true })
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
