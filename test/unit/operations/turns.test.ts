import { describe, expect, it } from 'vitest'
import { Turns } from '../../../host-daemon/operations/turns.ts'

const never = new AbortController().signal

describe('Turns', () => {
  it('gives turns in the order of asking, never more than allowed', async () => {
    const turns = new Turns(2)
    const given: number[] = []
    const asked = [0, 1, 2, 3].map(async (index) => {
      const turn = await turns.take(never)
      given.push(index)
      return turn
    })
    const first = await asked[0]
    await asked[1]
    expect(given).toEqual([0, 1])
    first?.dispose()
    first?.dispose()
    ;(await asked[2])?.dispose()
    await asked[3]
    expect(given).toEqual([0, 1, 2, 3])
  })

  it('lets go of whoever stops waiting', async () => {
    const turns = new Turns(1)
    const held = await turns.take(never)
    const abort = new AbortController()
    const waiting = turns.take(abort.signal)
    abort.abort(new Error('enough'))
    await expect(waiting).rejects.toThrow('enough')
    held.dispose()
    await turns.take(never)
  })
})
