import { StandardRPCJsonSerializer } from '@orpc/client/standard'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PlainFirstSerializer } from '../../../host-daemon/server/rpc-answers.ts'

const plain = new PlainFirstSerializer()
const library = new StandardRPCJsonSerializer()
const written = ([json, meta]: ReturnType<StandardRPCJsonSerializer['serialize']>) => JSON.stringify({ json, meta })

/** Values of every kind that the library knows, at any depth. */
const anything = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withSet: true,
  withSparseArray: true,
})

class Odd {
  readonly own = 1
}

describe('answers', () => {
  it('are written as the library writes them, whatever is in them', () => {
    fc.assert(
      fc.property(anything, (value) => {
        expect(written(plain.serialize(value))).toBe(written(library.serialize(value)))
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    ['what is left out of objects', { a: undefined, b: [undefined, 1], c: { d: undefined } }],
    ['numbers that are none', { nan: NaN, endless: [Infinity, -Infinity], zero: -0 }],
    ['dates, addresses and patterns', { at: new Date(5), never: new Date(NaN), to: new URL('http://a/'), re: /a/g }],
    ['a thing with a form of its own', { toJSON: () => 'form', kept: 1 }],
    ['a thing of another class', { odd: new Odd() }],
    ['a function', { call: () => 1, list: [() => 1] }],
    ['nothing', undefined],
  ])('are written as the library writes them: %s', (_what, value) => {
    expect(written(plain.serialize(value))).toBe(written(library.serialize(value)))
  })

  it('that are plain are not copied', () => {
    const value = { rows: [{ a: 1, b: [null, 'c', true] }] }
    expect(plain.serialize(value)[0]).toBe(value)
  })
})
