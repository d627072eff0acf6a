import { describe, expect, it } from 'vitest'
import { leastHomeMiB } from '../../../host-daemon/restores/clone-command.ts'

const MIB = 1024 * 1024

describe('the least home that a point fits into', () => {
  it('is what its bytes or its entries need, and never more than the home it was made of', () => {
    expect(leastHomeMiB({ bytes: 0, entries: 0, homeMiB: 1024 })).toBe(16)
    expect(leastHomeMiB({ bytes: 100 * MIB, entries: 10, homeMiB: 1024 })).toBe(127)
    expect(leastHomeMiB({ bytes: 0, entries: 64_000, homeMiB: 2048 })).toBe(1100)
    expect(leastHomeMiB({ bytes: 1000 * MIB, entries: 10, homeMiB: 1024 })).toBe(1024)
  })
})
