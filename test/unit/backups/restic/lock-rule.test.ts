import { describe, expect, it } from 'vitest'
import { judgeLock, STALE_AFTER_MS } from '../../../../host-daemon/backups/restic/lock-rule.ts'

const NOW = 1_700_000_000_000
const lock = (ageMs: number, hostName = 'here') => ({
  id: 'a'.repeat(64),
  refreshedAtMs: NOW - ageMs,
  isExclusive: false,
  hostName,
  pid: 4242,
})
const witness = (processAgeMs?: number, isRestic = false) => ({ nowMs: NOW, hostName: 'here', processAgeMs, isRestic })

describe('the rule for locks', () => {
  it.each([
    ['here, process gone, fresh', lock(1000), witness(), { isDead: true, isRemovable: true, because: 'owner_gone' }],
    ['here, process lives', lock(1000), witness(60_000), { isDead: false, isRemovable: false, because: 'owner_lives' }],
    [
      'here, process lives, lock long not refreshed: never dead',
      lock(STALE_AFTER_MS + 1),
      witness(STALE_AFTER_MS * 2),
      { isDead: false, isRemovable: true, because: 'owner_lives' },
    ],
    [
      'here, the pid is a younger process',
      lock(60_000),
      witness(10_000),
      { isDead: true, isRemovable: false, because: 'pid_reused' },
    ],
    [
      'here, the pid is a younger process and the lock old',
      lock(STALE_AFTER_MS + 1),
      witness(10_000),
      { isDead: true, isRemovable: true, because: 'pid_reused' },
    ],
    [
      'here, written by a restic before the clock was set forward',
      lock(60_000 + 3_600_000),
      witness(600_000, true),
      { isDead: false, isRemovable: true, because: 'owner_lives' },
    ],
    ['here, made as its process began', lock(1000), witness(999), { isDead: false, because: 'owner_lives' }],
    ['elsewhere, refreshed', lock(60_000, 'there'), witness(), { isDead: false, because: 'may_live_elsewhere' }],
    [
      'elsewhere, at the bound',
      lock(STALE_AFTER_MS, 'there'),
      witness(),
      { isDead: false, isRemovable: false, because: 'may_live_elsewhere' },
    ],
    [
      'elsewhere, long not refreshed',
      lock(STALE_AFTER_MS + 1, 'there'),
      witness(),
      { isDead: true, isRemovable: true, because: 'not_refreshed' },
    ],
    ['elsewhere, of the future', lock(-STALE_AFTER_MS * 9, 'there'), witness(), { isDead: false }],
    ['here, of the future, process lives', lock(-60_000), witness(1000), { isDead: false, because: 'owner_lives' }],
  ])('%s', (...[, given, seen, verdict]) => {
    expect(judgeLock(given, seen)).toMatchObject(verdict)
  })
})
