import { describe, expect, it } from 'vitest'
import {
  checkOwner,
  consequencesOf,
  fieldsOf,
  ownerCli,
  usedOf,
} from '../../../src-renderer/features/owners/owner-form.ts'
import { ownerSchema } from '../../../src-shared/model/owner.ts'

const acme = ownerSchema.parse({ name: 'acme', note: 'billing', isActive: true, limit: 5, environmentCount: 5 })
const endless = { ...acme, limit: 'unlimited' as const }
const edit = (more: object, owner = acme) => checkOwner({ ...fieldsOf(owner), ...more }, owner, [])

describe('an owner’s form', () => {
  it('finds nothing to send in a form that was saved unchanged; unlimited stays unlimited', () => {
    expect(edit({})).toEqual({ kind: 'unchanged' })
    expect(edit({}, endless)).toEqual({ kind: 'unchanged' })
    expect(edit({ note: ' billing ' })).toEqual({ kind: 'unchanged' })
  })

  it('sends only what changed', () => {
    expect(edit({ limit: '7' })).toEqual({ kind: 'change', change: { name: 'acme', limit: 7 } })
    expect(edit({ isUnlimited: true })).toEqual({ kind: 'change', change: { name: 'acme', limit: 'unlimited' } })
    expect(edit({ note: '' })).toEqual({ kind: 'change', change: { name: 'acme', note: '' } })
  })

  it.each([
    ['0', '0 is less than 1'],
    ['-3', '-3 is less than 1'],
    ['2.5', '2.5 is not a whole number'],
    ['many', 'many is not a whole number'],
    ['1000001', '1000001 is more than 1,000,000'],
    ['', 'Give a whole number'],
  ])('says of a limit of "%s" what is true of it', (limit, says) => {
    const check = edit({ limit })
    expect(check.kind === 'invalid' && check.errors.limit).toContain(says)
  })

  it('holds a new name to the grammar, and to who is already here', () => {
    const named = (name: string) => checkOwner({ ...fieldsOf(null), name }, null, ['acme'])
    const errorOf = (name: string) => {
      const check = named(name)
      return check.kind === 'invalid' ? check.errors.name : undefined
    }
    expect(errorOf('Acme Corp')).toContain('must be 1–63 lower-case letters')
    expect(errorOf('')).toBe('is needed')
    expect(errorOf('acme')).toContain('already here')
    expect(named('orchid')).toMatchObject({ kind: 'change', change: { name: 'orchid', isActive: true, limit: 1 } })
  })

  it('says what lowering and deactivating leave as it is, and what they stop', () => {
    const says = (change: object) => consequencesOf({ name: acme.name, ...change }, acme)
    expect(says({ limit: 3 })).toEqual(['acme keeps its 5 environments; no new ones until it has fewer than 3.'])
    expect(says({ limit: 9 })).toEqual([])
    expect(says({ isActive: false })[0]).toContain('Its 5 environments stay')
    expect(says({ isActive: false })[0]).toContain('until it is active again')
  })

  it('gives the command line form, quoted', () => {
    const change = { name: acme.name, note: "Ada's team", isActive: false, limit: 'unlimited' as const }
    const words = String.raw`pilothouse owners put acme --host lon-1 --note 'Ada'\''s team' --no-active --limit unlimited`
    expect(ownerCli('lon-1', change)).toBe(words)
    expect(usedOf(acme)).toBe('5 of 5 in use')
  })
})
