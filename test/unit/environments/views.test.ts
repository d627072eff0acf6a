import { beforeEach, describe, expect, it } from 'vitest'
import { EnvironmentViews } from '../../../host-daemon/environments/views.ts'
import type { StoredEnvironment } from '../../../host-daemon/store/environment-row.ts'
import type { Store } from '../../../host-daemon/store/store.ts'
import type { EnvironmentId } from '../../../src-shared/model/ids.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const HOUR_MS = 3_600_000
const id = 'env-00000001' as EnvironmentId

function running(observedAt: number): StoredEnvironment {
  return { id, observed: { kind: 'running' }, observedAt } as StoredEnvironment
}

function stopped(observedAt: number): StoredEnvironment {
  return { id, observed: { kind: 'stopped' }, observedAt } as StoredEnvironment
}

describe('the age of what is said of an environment', () => {
  let clock: ManualClock
  let views: EnvironmentViews
  beforeEach(() => {
    clock = new ManualClock()
    views = new EnvironmentViews({} as Store, clock)
  })

  it.each([HOUR_MS, -HOUR_MS, 0])('grows in real time, the clock set by %d ms', (byMs) => {
    const environment = running(clock.now())
    expect(views.ageMs(environment)).toBe(0)
    views.confirm(id, views.now())
    clock.advance(4_000)
    clock.set(byMs)
    clock.advance(3_000)
    expect(views.ageMs(environment)).toBe(7_000)
  })

  it('is told as the moment itself, also once the clock was set forward', () => {
    const at = clock.now()
    const environment = running(at)
    expect(views.observedAt(environment)).toBe(at)
    clock.advance(5_000)
    expect(views.observedAt(environment)).toBe(at)
    clock.set(HOUR_MS)
    expect(views.observedAt(environment)).toBe(at)
  })

  it('is never told to be in the future of a clock that was set back, and never younger than it is', () => {
    const environment = running(clock.now())
    views.confirm(id, views.now())
    views.confirmPass(views.now(), new Set([id]))
    clock.advance(5_000)
    clock.set(-HOUR_MS)
    expect(views.observedAt(environment)).toBe(clock.now() - 5_000)
    expect(views.lastPassAt).toBe(clock.now() - 5_000)
    clock.advance(10_000)
    expect(views.observedAt(environment)).toBe(clock.now() - 15_000)
  })

  it('a look after the clock was set back is newer than one before', () => {
    const environment = running(clock.now())
    views.observedAt(environment)
    clock.set(-HOUR_MS)
    clock.advance(1_000)
    views.confirm(id, views.now())
    expect(views.observedAt(environment)).toBe(clock.now())
    expect(views.ageMs(environment)).toBe(0)
  })

  it('is old where an earlier daemon stored a time that is yet to come, until it is seen again', () => {
    const environment = running(clock.now() + HOUR_MS)
    expect(views.ageMs(environment)).toBe(HOUR_MS)
    expect(views.observedAt(environment)).toBe(clock.now() - HOUR_MS)
    clock.advance(HOUR_MS)
    expect(views.ageMs(environment)).toBe(2 * HOUR_MS)
    views.confirm(id, views.now())
    expect(views.ageMs(environment)).toBe(0)
  })

  it('of one without a guest is that of the last look at all of them', () => {
    const environment = stopped(clock.now())
    clock.advance(60_000)
    views.confirmPass(views.now(), new Set())
    clock.set(-HOUR_MS)
    clock.advance(2_000)
    expect(views.ageMs(environment)).toBe(2_000)
    expect(views.observedAt(environment)).toBe(clock.now() - 2_000)
  })
})
