import type { IncomingHttpHeaders } from 'node:http'
import type { RandomSource } from '../../src-shared/lib/clock.ts'
import { CLAIMED_ACTOR_HEADER, REQUEST_ID_HEADER } from '../../src-shared/contract/client.ts'
import { claimedActorSchema, requestIdSchema, type ClaimedActor, type RequestId } from '../../src-shared/model/ids.ts'
import type { Role } from '../../src-shared/model/role.ts'
import type { Caller } from './caller.ts'

/** Who holds a connection: the role is the socket's, the user is the kernel's. */
export interface ConnectionPeer {
  readonly role: Role
  readonly uid: number
  readonly user: string
  readonly pid: number
}

type Headers = Readonly<IncomingHttpHeaders>

/** Binds what a message says of itself to what the connection is. Nothing said can change role, user or uid. */
export function callerOf(peer: ConnectionPeer, headers: Headers, random: RandomSource): Caller {
  const { role, user, uid } = peer
  return { actor: { user, uid, role, claimedActor: claimedActorIn(headers) }, requestId: requestIdIn(headers, random) }
}

/** The caller's request id, or a new one where it sent none or a malformed one. */
export function requestIdIn(headers: Headers, random: RandomSource): RequestId {
  const sent = requestIdSchema.safeParse(headers[REQUEST_ID_HEADER])
  return sent.success ? sent.data : requestIdSchema.parse(`req-${random.hex(8)}`)
}

function claimedActorIn(headers: Headers): ClaimedActor | null {
  const sent = headers[CLAIMED_ACTOR_HEADER]
  if (typeof sent !== 'string') return null
  try {
    return claimedActorSchema.parse(decodeURIComponent(sent))
  } catch {
    return null
  }
}
