import { Duplex } from 'node:stream'
import type { ClientChannel } from 'ssh2'

/** What a stream hands over when several writes were held together. */
interface Chunk {
  readonly chunk: Buffer
}

/**
 * An SSH channel in the shape that `http` and `ws` want of a socket. The library's own `destroy` leaves the stream
 * open for ever; this one ends, closes and destroys it. Beware: a channel whose connection died ends cleanly, without
 * an error; whoever needs to know asks the connection. Writes that were held together (a frame's head and body) go out
 * as one packet.
 */
export function channelSocket(channel: ClientChannel): Duplex {
  const self = (): Duplex => channel
  return Object.assign(channel, {
    _writev: (chunks: Chunk[], done: (error?: Error | null) => void): void => {
      channel._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'latin1', done)
    },
    destroy: (error?: Error): Duplex => {
      if (!channel.destroyed) {
        channel.end()
        channel.close()
        Duplex.prototype.destroy.call(channel, error)
      }
      return channel
    },
    setNoDelay: self,
    setKeepAlive: self,
    setTimeout: self,
    ref: self,
    unref: self,
  })
}
