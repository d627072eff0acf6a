import { ipcMain, type BrowserWindow, type IpcMainEvent } from 'electron'
import { z } from 'zod'
import type { Bridge } from '../../bridge/bridge.ts'
import { isOwnAddress } from './page.ts'
import { portChannel } from './port-channel.ts'

const requestSchema = z.object({ kind: z.enum(['rpc', 'console']), query: z.string().max(1024) })

/** Only the main frame of our own window, while it shows our own page. */
function isOwnPage({ sender, senderFrame }: IpcMainEvent, window: BrowserWindow | undefined): boolean {
  if (window === undefined || window.isDestroyed() || sender !== window.webContents) return false
  return senderFrame !== null && senderFrame === sender.mainFrame && isOwnAddress(senderFrame.url)
}

/** Answers the preload's one message; every other sender's port is closed unread. */
export function acceptChannels(bridge: Bridge, currentWindow: () => BrowserWindow | undefined): void {
  ipcMain.on('pilothouse:open', (event, message: unknown) => {
    const request = requestSchema.safeParse(message)
    const [port] = event.ports
    if (port === undefined) return
    if (!request.success || !isOwnPage(event, currentWindow())) {
      port.close()
      return
    }
    const channel = portChannel(port)
    if (request.data.kind === 'console') bridge.acceptConsole(channel, request.data.query)
    else bridge.acceptRpc(channel)
  })
}
