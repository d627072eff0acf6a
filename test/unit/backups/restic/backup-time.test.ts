import { describe, expect, it } from 'vitest'
import { backupTotalMs } from '../../../../host-daemon/backups/restic/backup-time.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const GIB = 1024 ** 3

describe('the time that a backup may take in all', () => {
  it.each([
    ['nothing', 0, undefined, 10 * MINUTE],
    ['a home of 9 GiB at 512 KiB/s', 9 * GIB, undefined, 10 * MINUTE + 18_432_000],
    ['any home at most', 1024 * GIB, undefined, 24 * HOUR],
    ['a home whose uploads are limited to little, twice as long as they take', GIB, 512, 10 * MINUTE + 4_096_000],
    ['a home whose uploads are limited to much, no shorter', 9 * GIB, 1_000_000, 10 * MINUTE + 18_432_000],
    ['and never longer than anything may', GIB, 1, 24 * HOUR],
  ])('is, for %s, bounded', (...[, homeBytes, uploadKiBps, expected]) => {
    expect(backupTotalMs(homeBytes, uploadKiBps)).toBe(expected)
  })
})
