import type { Socket } from 'node:net'
import { libc } from './libc.ts'

/** Who is at the other end of a unix socket, as the kernel recorded it when the connection was made. */
export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

const SOL_SOCKET = 1
const SO_PEERCRED = 17
const UCRED_BYTES = 12
const NOBODY_YET = 0xffff_ffff

/** Throws when the kernel does not say who it is; such a connection must be refused. */
export function peerCredentialsOf(socket: Socket): PeerCredentials {
  const credentials = Buffer.alloc(UCRED_BYTES)
  const length: [number] = [UCRED_BYTES]
  const result = libc().getsockopt(descriptorOf(socket), SOL_SOCKET, SO_PEERCRED, credentials, length) as number
  if (result !== 0 || length[0] !== UCRED_BYTES) throw new Error('the kernel did not name the peer of this connection')
  const uid = credentials.readUInt32LE(4)
  if (uid === NOBODY_YET) throw new Error('the peer of this connection has no user')
  return { pid: credentials.readInt32LE(0), uid, gid: credentials.readUInt32LE(8) }
}

function descriptorOf(socket: Socket): number {
  // Node has no public name for it; koffi needs the number that the kernel knows the connection by.
  const { _handle: handle } = socket as unknown as { _handle?: { fd?: unknown } | null }
  if (typeof handle?.fd !== 'number' || handle.fd < 0) throw new Error('the connection is already closed')
  return handle.fd
}
