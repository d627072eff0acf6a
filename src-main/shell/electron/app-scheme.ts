import { protocol, type Session } from 'electron'
import { readAsset } from '../assets.ts'
import { pageHeaders } from '../content-policy.ts'

const SCHEME = 'app'

/** Where the page lives; nothing else is ever shown. */
export const APP_ORIGIN = `${SCHEME}://pilothouse`

/** Whether an address is one of our page's own. */
export function isOwnAddress(address: string): boolean {
  return address.startsWith(`${APP_ORIGIN}/`)
}

/** Before the app is ready: a scheme with an origin of its own, as https would have. */
export function declareScheme(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ])
}

/** Serves the renderer's files in `root`, and nothing above it, to pages of this session. */
export function serveScheme(session: Session, root: string): void {
  session.protocol.handle(SCHEME, async (request) => {
    const address = new URL(request.url)
    const asset =
      address.host === 'pilothouse' && request.method === 'GET' ? await readAsset(root, address.pathname) : undefined
    const headers = pageHeaders("'none'")
    if (asset === undefined) return new Response('There is nothing here.', { status: 404, headers })
    return new Response(new Uint8Array(asset.body), { headers: { ...headers, 'content-type': asset.contentType } })
  })
}
