import { app, type Session, type WebContents } from 'electron'
import { isDebugged } from './debugged.ts'
import { isOwnAddress, PAGE_ORIGIN } from './page.ts'

/** All that a page may be granted: putting text on the clipboard, which happens after a press only. */
const GRANTED = new Set(['clipboard-sanitized-write'])

/** What the page made itself, such as a console to keep. */
function isOwnFile(address: string): boolean {
  return address.startsWith(`blob:${PAGE_ORIGIN}/`)
}

function isGranted(contents: WebContents | null, permission: string): boolean {
  return contents !== null && isOwnAddress(contents.getURL()) && GRANTED.has(permission)
}

/** No permission, no device, and no request but those to the page's own files, where `hasPage`; else none at all. */
export function lockSession(session: Session, { hasPage }: { hasPage: boolean }): void {
  session.setPermissionRequestHandler((contents, permission, answer) => answer(isGranted(contents, permission)))
  session.setPermissionCheckHandler((contents, permission) => isGranted(contents, permission))
  session.setDevicePermissionHandler(() => false)
  session.webRequest.onBeforeRequest((details, answer) => {
    const isOwn = hasPage && isOwnAddress(details.url)
    const isTool = isDebugged() && details.url.startsWith('devtools://')
    answer({ cancel: !isOwn && !isTool })
  })
  session.on('will-download', (event, item) => {
    if (!hasPage || !isOwnFile(item.getURL())) event.preventDefault()
  })
}

function lockContents(contents: WebContents): void {
  const stay = (event: { preventDefault(): void; readonly url: string }): void => {
    if (!isOwnAddress(event.url)) event.preventDefault()
  }
  contents.on('will-navigate', stay)
  contents.on('will-frame-navigate', stay)
  contents.on('will-redirect', stay)
  contents.on('will-attach-webview', (event) => event.preventDefault())
  // Media connections pass by the request filter and the page's policy.
  contents.setWebRTCIPHandlingPolicy('disable_non_proxied_udp')
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
}

/** Holds for every page that this process ever makes, whoever makes it. */
export function lockAllContents(): void {
  app.on('web-contents-created', (_event, contents) => lockContents(contents))
}
