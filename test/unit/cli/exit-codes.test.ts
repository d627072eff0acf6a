import { describe, expect, it } from 'vitest'
import { EXIT_OF_CODE, EXITS, exitStatusOf } from '../../../src-main/shell/cli/exit-codes.ts'
import { ERROR_CODES } from '../../../src-shared/error.ts'

describe('exit codes', () => {
  it('gives every error code one exit of the table, and never 0', () => {
    expect(Object.keys(EXIT_OF_CODE).sort()).toEqual([...ERROR_CODES].sort())
    for (const code of ERROR_CODES) expect(exitStatusOf(code)).toBeGreaterThan(0)
  })

  it('uses each status once and keeps the documented ones', () => {
    const statuses = Object.values(EXITS).map(({ status }) => status)
    expect(new Set(statuses).size).toBe(statuses.length)
    expect(exitStatusOf('invalid_request')).toBe(2)
    expect(exitStatusOf('not_found')).toBe(3)
    expect(exitStatusOf('forbidden')).toBe(4)
    expect(exitStatusOf('host_unreachable')).toBe(5)
  })
})
