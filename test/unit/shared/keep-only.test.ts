import { expect, it } from 'vitest'
import { keepOnly } from '../../../src-shared/lib/keep-only.ts'

it('what is no more is remembered no more, in maps and in sets', () => {
  const [ages, names] = [new Map(Object.entries({ a: 1, b: 2, c: 3 })), new Set(['a', 'b', 'c'])]
  const isThere = (key: string) => key === 'b'
  keepOnly(ages, isThere)
  keepOnly(names, isThere)
  expect([...ages]).toEqual([['b', 2]])
  expect([...names]).toEqual(['b'])
})
