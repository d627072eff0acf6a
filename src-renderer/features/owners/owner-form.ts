import { plainText } from '../../../src-shared/lib/strict-text.ts'
import { ownerNameSchema, type OwnerName } from '../../../src-shared/model/ids.ts'
import { ownerLimitSchema, type Owner, type OwnerLimit } from '../../../src-shared/model/owner.ts'
import { countText, plural } from '../../lib/format.ts'
import { quoted } from '../../lib/shell-word.ts'

export type OwnerField = 'name' | 'note' | 'limit'

export interface OwnerFields {
  name: string
  note: string
  isActive: boolean
  isUnlimited: boolean
  /** As typed, so that a message can be true of it. */
  limit: string
}

/** What is sent: the name, and what differs. */
export interface OwnerChange {
  readonly name: OwnerName
  readonly note?: string
  readonly isActive?: boolean
  readonly limit?: OwnerLimit
}

export type OwnerCheck =
  | { readonly kind: 'invalid'; readonly errors: Partial<Record<OwnerField, string>> }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'change'; readonly change: OwnerChange }

/** A new owner starts active, with one environment; an unlimited one keeps that until a number is asked for. */
export function fieldsOf(owner: Owner | null): OwnerFields {
  const limit = owner?.limit ?? 1
  return {
    name: owner?.name ?? '',
    note: owner?.note ?? '',
    isActive: owner?.isActive ?? true,
    isUnlimited: limit === 'unlimited',
    limit: limit === 'unlimited' ? '' : String(limit),
  }
}

function limitProblem({ isUnlimited, limit }: OwnerFields): string | null {
  const typed = limit.trim()
  if (isUnlimited || ownerLimitSchema.safeParse(numberOf(typed)).success) return null
  if (typed === '') return 'Give a whole number of at least 1, or choose unlimited.'
  const problem = /^[+-]?\d+$/.test(typed) ? rangeProblem(Number(typed)) : 'is not a whole number'
  return `${typed} ${problem}; give a number from 1 to 1,000,000, or choose unlimited.`
}

function rangeProblem(value: number): string {
  return value < 1 ? 'is less than 1' : 'is more than 1,000,000'
}

/** NaN for anything that is not digits alone. */
function numberOf(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : NaN
}

function nameProblem(typed: string, taken: readonly string[]): string | null {
  if (typed === '') return 'is needed'
  if (taken.includes(typed)) return `${typed} is already here; edit it in the list.`
  return ownerNameSchema.safeParse(typed).error?.issues[0]?.message ?? null
}

/** What was filled in, held to the contract's rules; `known` is the owner that is edited, `taken` who is here. */
export function checkOwner(fields: OwnerFields, known: Owner | null, taken: readonly string[]): OwnerCheck {
  const note = fields.note.trim()
  const problems: Record<OwnerField, string | null> = {
    name: known === null ? nameProblem(fields.name.trim(), taken) : null,
    note: plainText(500).safeParse(note).error?.issues[0]?.message ?? null,
    limit: limitProblem(fields),
  }
  const errors = Object.fromEntries(Object.entries(problems).filter(([, problem]) => problem !== null))
  if (Object.keys(errors).length > 0) return { kind: 'invalid', errors }
  const limit: OwnerLimit = fields.isUnlimited ? 'unlimited' : numberOf(fields.limit.trim())
  const change = {
    name: (known?.name ?? fields.name.trim()) as OwnerName,
    ...(known?.note === note ? {} : { note }),
    ...(known?.isActive === fields.isActive ? {} : { isActive: fields.isActive }),
    ...(known?.limit === limit ? {} : { limit }),
  }
  return Object.keys(change).length === 1 ? { kind: 'unchanged' } : { kind: 'change', change }
}

/** What a change means for environments that are there, a sentence each. */
export function consequencesOf({ isActive, limit }: OwnerChange, known: Owner | null): string[] {
  if (known === null) return []
  const { name, environmentCount: count } = known
  const kept =
    count === 0
      ? 'It has no environment now'
      : `Its ${plural(count, 'environment')} ${count === 1 ? 'stays' : 'stay'} and can be worked with as before`
  const says: string[] = []
  if (isActive === false) says.push(`${kept}; nothing new can be made for ${name} until it is active again.`)
  if (isActive === true) says.push(`New environments can be made for ${name} again.`)
  if (typeof limit === 'number' && count >= limit && count > 0) says.push(limitConsequence(name, limit, count))
  return says
}

function limitConsequence(name: string, limit: number, count: number): string {
  const until = limit === 1 ? 'it has none' : `it has fewer than ${countText(limit)}`
  return `${name} keeps its ${plural(count, 'environment')}; no new ones until ${until}.`
}

/** `5 of 10 in use`, `5 in use`. */
export function usedOf({ environmentCount, limit }: Owner): string {
  if (limit === 'unlimited') return `${countText(environmentCount)} in use`
  return `${countText(environmentCount)} of ${countText(limit)} in use`
}

/** The same on the command line. */
export function ownerCli(host: string, change: Partial<OwnerChange>): string {
  const { name, note, isActive, limit } = change
  const words = ['pilothouse owners put', name === undefined ? 'NAME' : quoted(name), '--host', host]
  if (note !== undefined) words.push('--note', quoted(note))
  if (isActive !== undefined) words.push(isActive ? '--active' : '--no-active')
  if (limit !== undefined) words.push('--limit', String(limit))
  return words.join(' ')
}
