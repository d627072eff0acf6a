import { describe, expect, it } from 'vitest'
import { withDeadline } from '../../../host-daemon/system/deadline.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const tooLate = new Error('too late')

describe('withDeadline', () => {
  const clock = new ManualClock()
  const options = { clock, deadlineMs: 100, onDeadline: () => tooLate }
  const never = () => new Promise<never>(() => undefined)

  it('answers what the work answers, and throws what it throws', async () => {
    expect(await withDeadline(() => Promise.resolve(7), options)).toBe(7)
    const broken = new Error('broken')
    await expect(withDeadline(() => Promise.reject(broken), options)).rejects.toBe(broken)
  })

  it('aborts the work at the deadline, and leaves deaf work behind after its grace', async () => {
    let heard: unknown
    const work = (signal: AbortSignal) => {
      signal.addEventListener('abort', () => void (heard = signal.reason))
      return never()
    }
    const answer = withDeadline(work, { ...options, graceMs: 50 })
    const outcome = answer.catch((error: unknown) => error)
    clock.advance(100)
    await Promise.resolve()
    clock.advance(50)
    for (let turn = 0; turn < 20; turn += 1) {
      await Promise.resolve()
      clock.advance(50)
    }
    expect(await outcome).toBe(tooLate)
    expect(heard).toBe(tooLate)
  })

  it('takes what aborted work still brings home within its grace', async () => {
    const work = (signal: AbortSignal) =>
      new Promise<string>((resolve) => signal.addEventListener('abort', () => resolve('saved')))
    const answer = withDeadline(work, { ...options, graceMs: 50 })
    clock.advance(100)
    expect(await answer).toBe('saved')
  })

  it('heeds the caller before anything is begun, and without a deadline too', async () => {
    const abort = new AbortController()
    const reason = new Error('gone')
    const waiting = withDeadline(never, { ...options, deadlineMs: null, signal: abort.signal })
    abort.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    let begun = false
    const work = () => Promise.resolve((begun = true))
    await expect(withDeadline(work, { ...options, signal: abort.signal })).rejects.toBe(reason)
    expect(begun).toBe(false)
  })
})
