import { HOST_ID_HEADER, REQUEST_ID_HEADER } from '../../src-shared/contract/client.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import { hostIdSchema, requestIdSchema, type HostId, type RequestId } from '../../src-shared/model/ids.ts'

/** What main knows of one call on the bridge. */
export interface BridgeContext {
  /** The caller's; minted here where it sent none or a malformed one. */
  readonly requestId: RequestId
  /** As sent; not yet checked. */
  readonly host: string | undefined
}

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

function headerOf(headers: Headers, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : value?.[0]
}

export function contextOf(headers: Headers, mint: () => RequestId): BridgeContext {
  const requestId = requestIdSchema.safeParse(headerOf(headers, REQUEST_ID_HEADER))
  return { requestId: requestId.data ?? mint(), host: headerOf(headers, HOST_ID_HEADER) }
}

/** The host that a passed-through call names. Throws `invalid_request`. */
export function hostIdOf({ host }: BridgeContext): HostId {
  const id = hostIdSchema.safeParse(host)
  if (id.success) return id.data
  throw new PilothouseError(
    'invalid_request',
    `The call names no host: ${HOST_ID_HEADER} ${id.error.issues[0]?.message ?? ''}.`,
  )
}
