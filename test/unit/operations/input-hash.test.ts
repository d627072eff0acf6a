import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hashOf } from '../../../host-daemon/operations/input-hash.ts'

describe('hashOf', () => {
  it('does not depend on the order of keys, at any depth', () => {
    expect(hashOf({ a: 1, b: { c: [1, 2], d: null } })).toBe(hashOf({ b: { d: null, c: [1, 2] }, a: 1 }))
    expect(hashOf([1, 2])).not.toBe(hashOf([2, 1]))
  })

  it('tells different values apart', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        // JSON knows no -0.
        expect(hashOf(one) === hashOf(other)).toBe(isSame(asWritten(one), asWritten(other)))
      }),
    )
  })
})

const asWritten = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

function isSame(one: unknown, other: unknown): boolean {
  try {
    expect(one).toEqual(other)
    return true
  } catch {
    return false
  }
}
