import { WebSocket, type RawData } from 'ws'
import { ChannelEvents, cutReason, type MessageChannelLike } from '../../src-shared/lib/message-channel.ts'

/** What the other end has not yet taken; one that falls further behind is cut off, and resumes where it was. */
const BACKLOG_BYTES_MOST = 64 * 1024 * 1024

function bytesOf(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data)
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data
}

/** An open WebSocket as a message channel. `lost` is the reason told when the other end gives none. */
export function webSocketChannel(socket: WebSocket, lost: string): MessageChannelLike {
  const events = new ChannelEvents()
  socket.on('message', (data, isBinary) => {
    const bytes = bytesOf(data)
    events.deliver(isBinary ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  })
  // An error is followed by a close; the close tells everybody.
  socket.on('error', () => undefined)
  socket.on('close', (_code, reason) => events.closed(reason.length === 0 ? lost : reason.toString('utf8')))
  return {
    send: (message) => {
      if (socket.readyState !== WebSocket.OPEN) throw new Error('The channel is closed.')
      if (socket.bufferedAmount > BACKLOG_BYTES_MOST) socket.terminate()
      else socket.send(message)
    },
    onMessage: (listener) => events.listen(listener),
    onClose: (listener) => events.onClose(listener),
    close: (reason = '') => {
      socket.close(1000, cutReason(reason))
      events.closed(reason)
    },
  }
}
