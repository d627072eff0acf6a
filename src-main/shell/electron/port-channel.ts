import type { MessagePortMain } from 'electron'
import { CHANNEL_LOST, ChannelEvents, type MessageChannelLike } from '../../../src-shared/lib/message-channel.ts'

function isClosing(data: unknown): data is { closed: string } {
  return typeof data === 'object' && data !== null && 'closed' in data && typeof data.closed === 'string'
}

/** A view is sent with all the memory that it looks into, which may hold anything; the page gets the bytes alone. */
function ownBytes(message: string | Uint8Array): string | Uint8Array {
  return typeof message === 'string' ? message : new Uint8Array(message)
}

/** A port to the page as a message channel. What is neither text nor bytes nor a farewell is passed over. */
export function portChannel(port: MessagePortMain): MessageChannelLike {
  const events = new ChannelEvents()
  port.on('message', ({ data }: { data: unknown }) => {
    if (typeof data === 'string' || data instanceof Uint8Array) events.deliver(data)
    else if (isClosing(data)) end(data.closed)
  })
  port.on('close', () => events.closed(CHANNEL_LOST))
  const end = (reason: string): void => {
    if (events.isClosed) return
    events.closed(reason)
    port.close()
  }
  port.start()
  return {
    send: (message) => {
      if (events.isClosed) throw new Error('The channel is closed.')
      port.postMessage(ownBytes(message))
    },
    onMessage: (listener) => events.listen(listener),
    onClose: (listener) => events.onClose(listener),
    close: (reason = '') => {
      if (!events.isClosed) port.postMessage({ closed: reason })
      end(reason)
    },
  }
}
