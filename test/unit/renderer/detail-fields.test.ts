import { describe, expect, it } from 'vitest'
import { planBlocks } from '../../../src-renderer/ui/plan/plan-lines.ts'
import { checkLabels } from '../../../src-renderer/lib/label-fields.ts'
import { checkResize } from '../../../src-renderer/features/details/resize-fields.ts'
import type { Plan } from '../../../src-shared/model/plan.ts'

const now = { cpus: 1, memoryMiB: 512, homeMiB: 4096 }
const limit = { cpus: 4, memoryMiB: 2048, homeMiB: 8192 }

describe('the resize dialog', () => {
  it('sends only what differs', () => {
    expect(checkResize({ ...now, cpus: 2 }, { now, limit })).toEqual({ errors: {}, change: { cpus: 2 } })
    expect(checkResize(now, { now, limit }).change).toEqual({})
  })

  it('lets a home only grow, and nothing beyond the host', () => {
    const { errors } = checkResize({ cpus: 5, memoryMiB: 512, homeMiB: 2048 }, { now, limit })
    expect(errors).toEqual({ cpus: 'at most 4 CPUs here', homeMiB: 'a home only grows; it is 4 GiB' })
    expect(checkResize({ ...now, memoryMiB: null }, { now, limit }).errors).toEqual({ memoryMiB: 'say how much' })
  })
})

describe('the labels editor', () => {
  const line = (id: number, key: string, value: string) => ({ id, key, value })

  it('leaves empty lines out, and keeps a value that is empty', () => {
    expect(checkLabels([line(1, 'team', ' blue '), line(2, '', ''), line(3, 'gpu', '')])).toMatchObject({
      labels: { team: 'blue', gpu: '' },
      error: null,
    })
  })

  it('names what is wrong where it is', () => {
    const { errors } = checkLabels([
      line(1, 'Team', 'x'),
      line(2, 'a', 'x'),
      line(3, 'a', '\u202eevil'),
      line(4, '', 'x'),
    ])
    expect(errors.get(1)?.key).toContain('must be 1–63')
    expect(errors.get(2)?.key).toBe('this key is there twice')
    expect(errors.get(3)?.value).toContain('bidirectional')
    expect(errors.get(4)?.key).toContain('must be 1–63')
  })

  it('counts them', () => {
    const many = Array.from({ length: 65 }, (_unused, index) => line(index, `k${index}`, 'x'))
    expect(checkLabels(many).error).toBe('at most 64 labels; these are 65')
  })
})

describe("a plan's text", () => {
  it('keeps every line in its place, marks losses and keeps, and adds what the text lacks', () => {
    const plan = { text: 'a\nlost\n\nb\nkept', losses: ['lost', 'also lost'], keeps: ['kept'] } as unknown as Plan
    expect(planBlocks(plan)).toEqual([
      { kind: 'said', lines: ['a'] },
      { kind: 'lost', lines: ['lost'] },
      { kind: 'said', lines: ['b'] },
      { kind: 'kept', lines: ['kept'] },
      { kind: 'lost', lines: ['also lost'] },
    ])
  })
})
