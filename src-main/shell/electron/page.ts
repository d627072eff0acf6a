import type { Session } from 'electron'
import { readAsset } from '../assets.ts'
import { pageHeaders } from '../content-policy.ts'

const HOST = 'pilothouse.invalid'

/**
 * Where the page lives; nothing else is ever shown. The name can never exist on any network, and every https request
 * of the session is answered here, so that the page has the secure origin of its own that a file would not have.
 * A scheme of our own would need to be declared before the runtime is ready, which a module that is loaded
 * asynchronously cannot promise.
 */
export const PAGE_ORIGIN = `https://${HOST}`

/** Whether an address is one of our page's own. */
export function isOwnAddress(address: string): boolean {
  return address.startsWith(`${PAGE_ORIGIN}/`)
}

async function answer(request: Request, root: string): Promise<Response> {
  const { host, pathname } = new URL(request.url)
  const asset = host === HOST && request.method === 'GET' ? await readAsset(root, pathname) : undefined
  const headers = pageHeaders("'none'")
  if (asset === undefined) return new Response('There is nothing here.', { status: 404, headers })
  return new Response(new Uint8Array(asset.body), { headers: { ...headers, 'content-type': asset.contentType } })
}

/** Serves the renderer's files in `root`, and nothing above it, to pages of this session. */
export function servePage(session: Session, root: string): void {
  session.protocol.handle('https', (request) => answer(request, root))
}
