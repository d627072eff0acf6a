import { hostname } from 'node:os'
import { claimedActorSchema, type ClaimedActor } from '../../src-shared/model/ids.ts'
import { loginName } from './login-name.ts'

/** What this console says of itself to hosts: the local login and machine, nothing that anyone has to believe. */
export function localClaimedActor(): ClaimedActor {
  const says = `${loginName(process.env)}@${hostname()}`.replace(/[^\x20-\x7e]/g, '?').slice(0, 128)
  return claimedActorSchema.parse(says)
}
