import type { RequestId } from '../../src-shared/model/ids.ts'
import type { Actor } from '../../src-shared/model/operation.ts'

/** On whose behalf something is done: who, as the host knows them, and the request that it belongs to. */
export interface Requester {
  readonly actor: Actor
  readonly requestId: RequestId
}
