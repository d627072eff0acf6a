import { describe, expect, it } from 'vitest'
import { ProgressMeter } from '../../../host-daemon/operations/progress-meter.ts'
import type { OperationProgress } from '../../../src-shared/model/operation.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function metered() {
  const clock = new ManualClock()
  const told: (OperationProgress | null)[] = []
  return { clock, told, meter: new ProgressMeter(clock, (progress) => told.push(progress)) }
}

describe('ProgressMeter', () => {
  it.each([-3_600_000, 3_600_000])('goes on telling, at the true rate, when the clock is set by %d ms', (byMs) => {
    const { clock, told, meter } = metered()
    for (let second = 0; second <= 20; second += 1) {
      if (second === 10) clock.set(byMs)
      meter.report({ doneBytes: second * 1_000 })
      clock.advance(1_000)
    }
    expect(told).toHaveLength(21)
    expect(told.slice(1).map((progress) => progress?.bytesPerSecond)).toEqual(Array.from({ length: 20 }, () => 1_000))
  })

  it('tells seldom enough, never goes back, and tells nothing after its end', () => {
    const { clock, told, meter } = metered()
    for (const doneBytes of [500, 700, 600]) meter.report({ doneBytes })
    clock.advance(400)
    meter.report({ doneBytes: 100 })
    meter.end()
    meter.report({ doneBytes: 900 })
    expect(told.map((progress) => progress?.doneBytes ?? null)).toEqual([500, 700, null])
  })
})
