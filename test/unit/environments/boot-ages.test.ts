import { describe, expect, it } from 'vitest'
import { BootAges } from '../../../host-daemon/environments/boot-ages.ts'
import type { Boot } from '../../../host-daemon/store/boots-table.ts'
import type { BootId, EnvironmentId } from '../../../src-shared/model/ids.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const DEADLINE_MS = 120_000
const HOUR_MS = 3_600_000
const environmentId = 'env-00000001' as EnvironmentId
const id = 'boot-0000000000000001' as BootId

function bootAt(startedAt: number): Boot {
  return { id, environmentId, startedAt } as Boot
}

describe('what a boot has left of its deadline', () => {
  it.each([HOUR_MS, -HOUR_MS])('is measured in real time while its daemon lives, the clock set by %d ms', (byMs) => {
    const clock = new ManualClock()
    const ages = new BootAges(clock)
    const boot = bootAt(clock.now())
    ages.begin(environmentId, id)
    clock.advance(20_000)
    clock.set(byMs)
    expect(ages.leftMs(boot, DEADLINE_MS)).toBe(100_000)
    clock.advance(200_000)
    expect(ages.leftMs(boot, DEADLINE_MS)).toBe(1_000)
  })

  it.each([
    ['10 s ago', -10_000, 110_000],
    ['longer ago than its deadline', -HOUR_MS, 60_000],
    ['in the future', HOUR_MS, 120_000],
  ])('is between half and the whole of it where an earlier daemon began it %s', (_, agoMs, leftMs) => {
    const clock = new ManualClock()
    expect(new BootAges(clock).leftMs(bootAt(clock.now() + agoMs), DEADLINE_MS)).toBe(leftMs)
  })

  it('is never of another boot of the environment, or of one that nobody waits for any more', () => {
    const clock = new ManualClock()
    const ages = new BootAges(clock)
    const boot = bootAt(clock.now())
    ages.begin(environmentId, 'boot-0000000000000002' as BootId)
    clock.advance(119_000)
    expect(ages.leftMs(boot, DEADLINE_MS)).toBe(60_000)
    ages.begin(environmentId, id)
    ages.forget(environmentId)
    expect(ages.leftMs(boot, DEADLINE_MS)).toBe(60_000)
  })
})
