import { describe, expect, it } from 'vitest'
import { SystemClock } from '../../../host-daemon/system/clock.ts'
import { SystemRandom } from '../../../host-daemon/system/random.ts'

describe('SystemClock', () => {
  it('rejects an aborted sleep with the reason of the abort', async () => {
    const abort = new AbortController()
    const sleeping = new SystemClock().sleep(60_000, abort.signal)
    const reason = new Error('enough')
    abort.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
  })
})

describe('SystemRandom', () => {
  it('gives twice as many hex characters as bytes, and fractions below 1', () => {
    const random = new SystemRandom()
    expect(random.hex(8)).toMatch(/^[0-9a-f]{16}$/)
    expect(random.fraction()).toBeLessThan(1)
  })
})
