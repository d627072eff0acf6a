import { Duplex, type Writable } from 'node:stream'
import type { ClientChannel } from 'ssh2'

/** What a stream hands over when several writes were held together. */
interface Chunk {
  readonly chunk: Buffer
}

/** Where the SSH library keeps the connection below a channel. */
interface Carried {
  readonly _client?: { readonly _sock?: Writable }
}

/**
 * Sends what `write` gives to the connection below before it returns, in one piece: it waits neither for its parts to
 * go one by one nor for what else this turn of the event loop has to do.
 */
function sendNow(channel: ClientChannel, write: () => void): void {
  const below = (channel as unknown as Carried)._client?._sock
  below?.cork()
  try {
    write()
  } finally {
    below?.uncork()
  }
}

/**
 * An SSH channel in the shape that `http` and `ws` want of a socket. The library's own `destroy` leaves the stream
 * open for ever; this one ends, closes and destroys it. Beware: a channel whose connection died ends cleanly, without
 * an error; whoever needs to know asks the connection. Writes that were held together (a frame's head and body) go out
 * as one packet.
 */
export function channelSocket(channel: ClientChannel): Duplex {
  const self = (): Duplex => channel
  const writeParts = channel._write.bind(channel)
  const write = (data: Buffer, _encoding: unknown, done: (error?: Error | null) => void): void =>
    sendNow(channel, () => writeParts(data, 'latin1', done))
  return Object.assign(channel, {
    _write: write,
    _writev: (chunks: Chunk[], done: (error?: Error | null) => void): void =>
      write(Buffer.concat(chunks.map(({ chunk }) => chunk)), undefined, done),
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
