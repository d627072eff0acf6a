import { describe, expect, it } from 'vitest'
import { freshnessShown, FRESHNESS_BOUND_MS, judgeFreshness, judgeSafely } from '../../../src-renderer/lib/freshness.ts'
import { sampleBackup } from '../../support/fake-app-backup-samples.ts'
import { sampleEnvironment } from '../../support/fake-app-samples.ts'

const NOW = 1_800_000_000_000
const MINUTE = 60_000
const environment = sampleEnvironment(0, NOW)
const healthy = sampleBackup(0, environment)
const heard = (at: number, clockOffsetMs = 0) => ({ confirmedAt: at, clockOffsetMs })

describe('freshness in the window', () => {
  it('is what the host said while it is heard, and names its threshold', () => {
    const judged = judgeFreshness(healthy, heard(NOW), NOW)
    expect(judged.kind).toBe('healthy')
    expect(freshnessShown(judged).note).toBe('limit 1 h 15 min')
    expect(judged.sentence).toContain('older than 1 h 15 min is stale')
  })

  it('grows stale by itself', () => {
    const later = NOW + 75 * MINUTE
    expect(judgeFreshness(healthy, heard(later), later).kind).toBe('stale')
  })

  it("goes by the host's clock", () => {
    const offset = 2 * 3_600_000
    expect(judgeFreshness(healthy, heard(NOW - offset, offset), NOW - offset).kind).toBe('healthy')
    expect(judgeFreshness(healthy, heard(NOW, offset), NOW).kind).toBe('stale')
  })

  it('says how old the word is, and never calls healthy what nobody has confirmed for long', () => {
    const soon = judgeFreshness(healthy, heard(NOW), NOW + 2 * MINUTE)
    expect([soon.kind, freshnessShown(soon).note]).toEqual(['healthy', 'heard 2 min ago'])
    const late = judgeFreshness(healthy, heard(NOW), NOW + FRESHNESS_BOUND_MS + 1)
    expect(late.kind).toBe('unavailable')
    expect(late.sentence).toContain('last heard 5 min ago')
  })

  it('never calls healthy what was heard by a clock that was set back since, or by a host whose clock was set', () => {
    const judged = judgeFreshness(healthy, heard(NOW + FRESHNESS_BOUND_MS + 1), NOW)
    expect(judged.kind).toBe('unavailable')
    expect(judged.sentence).toContain('was set back')
    const ahead = { ...healthy, observedAt: NOW + 3_600_000 }
    expect(judgeFreshness(ahead, heard(NOW), NOW + FRESHNESS_BOUND_MS + 1).kind).toBe('unavailable')
  })

  it('keeps what was bad already when its host is not heard any more', () => {
    const missing = sampleBackup(5, environment)
    expect(judgeFreshness(missing, heard(NOW), NOW + 60 * MINUTE).kind).toBe('missing')
  })

  it('keeps what the host could not verify', () => {
    const broken = sampleBackup(7, environment)
    const judged = judgeFreshness(broken, heard(NOW), NOW)
    expect(judged.kind).toBe('unavailable')
    expect(judged.sentence).toContain('could not be reached')
  })

  it('judges a time in the future anew, once the clock has come near it', () => {
    const ahead = sampleBackup(17, environment)
    expect(judgeFreshness(ahead, heard(NOW), NOW).kind).toBe('unavailable')
    const then = NOW + 2 * 3_600_000
    expect(judgeFreshness(ahead, heard(then), then).kind).toBe('healthy')
  })

  it('is unavailable where nothing was told, and where the record cannot be read', () => {
    expect(judgeFreshness(undefined, heard(NOW), NOW).kind).toBe('unavailable')
    const malformed = { ...healthy, policy: null, freshness: null } as never
    const judged = judgeSafely(malformed, heard(NOW), NOW)
    expect(judged.kind).toBe('unavailable')
    expect(judged.sentence).toContain('cannot be read')
  })
})
