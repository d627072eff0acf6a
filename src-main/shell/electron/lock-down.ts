import { app, type Session, type WebContents } from 'electron'
import { isOwnAddress } from './page.ts'

/** All that a page may be granted: putting text on the clipboard, which happens after a press only. */
const GRANTED = new Set(['clipboard-sanitized-write'])

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
    answer({ cancel: !isOwn && !details.url.startsWith('devtools://') })
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
  contents.setWindowOpenHandler(() => ({ action: 'deny' }))
}

/** Holds for every page that this process ever makes, whoever makes it. */
export function lockAllContents(): void {
  app.on('web-contents-created', (_event, contents) => lockContents(contents))
}
