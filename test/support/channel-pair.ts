import { ChannelEvents, type MessageChannelLike } from '../../src-shared/lib/message-channel.ts'

/** Two ends of one channel in memory. Messages arrive in order, never within the send itself. */
export function channelPair(): [MessageChannelLike, MessageChannelLike] {
  const ends = [new ChannelEvents(), new ChannelEvents()] as const
  const close = (reason: string): void => queueMicrotask(() => ends.forEach((end) => end.closed(reason)))
  const endOf = (mine: ChannelEvents, theirs: ChannelEvents): MessageChannelLike => ({
    send: (message) => {
      if (mine.isClosed) throw new Error('The channel is closed.')
      const copy = typeof message === 'string' ? message : Uint8Array.from(message)
      queueMicrotask(() => {
        if (!theirs.isClosed) theirs.deliver(copy)
      })
    },
    onMessage: (listener) => mine.listen(listener),
    onClose: (listener) => mine.onClose(listener),
    close: (reason = '') => close(reason),
  })
  return [endOf(ends[0], ends[1]), endOf(ends[1], ends[0])]
}
