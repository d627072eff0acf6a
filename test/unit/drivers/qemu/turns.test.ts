import { describe, expect, it } from 'vitest'
import { Turns } from '../../../../host-daemon/drivers/qemu/turns.ts'

const never = new AbortController().signal

describe('Turns', () => {
  it('lets one at a time through per name, in order, past failures', async () => {
    const turns = new Turns()
    const order: string[] = []
    const gate = Promise.withResolvers<undefined>()
    const first = turns.take('a', never, async () => {
      await gate.promise
      order.push('first')
      throw new Error('failed')
    })
    const second = turns.take('a', never, () => Promise.resolve(order.push('second')))
    await turns.take('b', never, () => Promise.resolve(order.push('other')))
    gate.resolve(undefined)
    await expect(first).rejects.toThrow('failed')
    await second
    expect(order).toEqual(['other', 'first', 'second'])
  })

  it('lets go of who no longer waits, without its work being done', async () => {
    const turns = new Turns()
    const gate = Promise.withResolvers<undefined>()
    const holding = turns.take('a', never, () => gate.promise)
    const controller = new AbortController()
    let isDone = false
    const waiting = turns.take('a', controller.signal, () => Promise.resolve((isDone = true)))
    const reason = new Error('not wanted any more')
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    gate.resolve(undefined)
    await holding
    await turns.take('a', never, () => Promise.resolve())
    expect(isDone).toBe(false)
  })

  it('lets go of who no longer waits for work that goes on, which keeps its turn until it is over', async () => {
    const turns = new Turns()
    const [begun, gate] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()]
    const controller = new AbortController()
    const order: string[] = []
    const holding = turns.take('a', controller.signal, () => {
      begun.resolve(undefined)
      return gate.promise.then(() => order.push('first'))
    })
    const next = turns.take('a', never, () => Promise.resolve(order.push('second')))
    await begun.promise
    const reason = new Error('not wanted any more')
    controller.abort(reason)
    await expect(holding).rejects.toBe(reason)
    expect(order).toEqual([])
    gate.resolve(undefined)
    await next
    expect(order).toEqual(['first', 'second'])
  })
})
