import { describe, expect, it } from 'vitest'
import { endable } from '../../../host-daemon/events/endable.ts'

/** One value, then nothing until it is told to end. */
async function* oneThenWait(ended: AbortSignal): AsyncGenerator<number, void> {
  yield 1
  await new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve()))
}

describe('endable', () => {
  it('ends while a value is being waited for, by return', async () => {
    const events = endable(oneThenWait, [])
    expect(await events.next()).toEqual({ done: false, value: 1 })
    const pending = events.next()
    await events.return()
    expect(await pending).toEqual({ done: true, value: undefined })
    expect(await events.next()).toEqual({ done: true, value: undefined })
  })

  it('ends while a value is being waited for, by any signal', async () => {
    const abort = new AbortController()
    const events = endable(oneThenWait, [new AbortController().signal, abort.signal])
    await events.next()
    const pending = events.next()
    abort.abort()
    expect(await pending).toEqual({ done: true, value: undefined })
  })
})
