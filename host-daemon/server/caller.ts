import type { RequestId } from '../../src-shared/model/ids.ts'
import type { Actor } from '../../src-shared/model/operation.ts'

/** Who is calling, as the socket and the kernel say; the context of every handler. */
export interface Caller {
  readonly actor: Actor
  /** The caller's, or minted here where it sent none or a malformed one. */
  readonly requestId: RequestId
}
