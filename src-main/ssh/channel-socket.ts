import { Duplex } from 'node:stream'
import type { ClientChannel } from 'ssh2'

/**
 * An SSH channel in the shape that `http` and `ws` want of a socket. The library's own `destroy` leaves the stream
 * open for ever; this one ends, closes and destroys it. Beware: a channel whose connection died ends cleanly, without
 * an error; whoever needs to know asks the connection.
 */
export function channelSocket(channel: ClientChannel): Duplex {
  const self = (): Duplex => channel
  return Object.assign(channel, {
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
