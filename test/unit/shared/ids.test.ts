import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  environmentIdSchema,
  environmentNameSchema,
  environmentRefSchema,
  hostNameSchema,
  imageRefSchema,
  ownerNameSchema,
  recoveryPointIdSchema,
  recoveryPointRefSchema,
} from '../../../src-shared/model/ids.ts'

const EVERY_GRAMMAR = {
  environmentIdSchema,
  environmentNameSchema,
  environmentRefSchema,
  hostNameSchema,
  imageRefSchema,
  ownerNameSchema,
  recoveryPointIdSchema,
  recoveryPointRefSchema,
}

const HOSTILE = [
  '',
  '-rf',
  '--help',
  '..',
  '../etc/passwd',
  'a..b/../c',
  'a/b',
  'a\\b',
  'a b',
  'a\nb',
  'a\0b',
  'a\u202eb',
  'a\u200fb',
  'a\u0007b',
  'Ünïcode',
  'x'.repeat(65_536),
  '$(id)',
  "a'b",
  'a"b',
  'a;b',
]

describe('identifier grammars', () => {
  for (const [name, schema] of Object.entries(EVERY_GRAMMAR)) {
    it.each(HOSTILE)(`${name} refuses %j`, (value) => {
      expect(schema.safeParse(value).success).toBe(false)
    })

    it(`${name} accepts nothing that could be an option, a path or a control character`, () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (value) => {
          if (!schema.safeParse(value).success) return
          expect(value).toMatch(/^[a-z0-9]/)
          expect(value).not.toMatch(/[\s/\\\p{C}]|\.\./u)
        }),
        { numRuns: 2_000 },
      )
    })
  }

  it('refuses what is not a string, with a message and without throwing', () => {
    for (const value of [null, undefined, 7, {}, [], true]) {
      expect(environmentIdSchema.safeParse(value).success).toBe(false)
    }
  })

  it('never takes a name for an id, so that a name cannot shadow an environment', () => {
    expect(environmentNameSchema.safeParse('env-0123abcd').success).toBe(false)
    expect(environmentRefSchema.parse('env-0123abcd')).toBe('env-0123abcd')
  })

  it('takes ordinary names', () => {
    expect(environmentNameSchema.parse('ci-runner-03')).toBe('ci-runner-03')
    expect(imageRefSchema.parse('python@3.11.2')).toBe('python@3.11.2')
    expect(ownerNameSchema.parse('delta-lab')).toBe('delta-lab')
  })

  it('does not echo the refused value', () => {
    const message = environmentNameSchema.safeParse('BAD\u202ename').error?.message ?? ''
    expect(message).not.toContain('\u202e')
    expect(message).toContain('lower-case')
  })
})
