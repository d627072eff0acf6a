import { describe, expect, it } from 'vitest'
import { ariaSort, pressedOrder } from '../../../src-renderer/lib/sort-order.ts'

describe('the order of a list', () => {
  it('ascends at the first press of a head, and turns round at each further one', () => {
    const first = pressedOrder({ key: 'name', isDescending: true }, 'owner')
    expect(first).toEqual({ key: 'owner', isDescending: false })
    const second = pressedOrder(first, 'owner')
    expect(second).toEqual({ key: 'owner', isDescending: true })
    expect(pressedOrder(second, 'owner')).toEqual({ key: 'owner', isDescending: false })
  })

  it('is said by the head it stands by, and by no other', () => {
    expect(ariaSort({ key: 'name', isDescending: false }, 'name')).toBe('ascending')
    expect(ariaSort({ key: 'name', isDescending: true }, 'name')).toBe('descending')
    expect(ariaSort<string>({ key: 'name', isDescending: true }, 'owner')).toBe('none')
  })
})
