import { labelKeySchema, labelsSchema, MAX_LABELS, type Labels } from '../../src-shared/model/labels.ts'
import { lineAfter } from './line-fields.ts'

/** One line of the editor. `id` only tells lines apart. */
export interface LabelField {
  readonly id: number
  key: string
  value: string
}

export interface LabelsCheck {
  /** By the id of the line. */
  readonly errors: ReadonlyMap<number, { readonly key?: string; readonly value?: string }>
  /** What is wrong with all of them together. */
  readonly error: string | null
  readonly labels: Labels
}

/** A line for every label, and an empty one to go on with. */
export function labelLines(labels: Labels): LabelField[] {
  const lines: LabelField[] = []
  for (const [key, value] of Object.entries(labels)) lines.push(lineAfter(lines, { key, value }))
  return [...lines, lineAfter(lines, { key: '', value: '' })]
}

function errorOf(field: LabelField, isTwice: boolean): { key?: string; value?: string } {
  const key = labelKeySchema.safeParse(field.key)
  const whole = labelsSchema.safeParse({ key: field.value })
  const says = key.error?.issues[0]?.message ?? (isTwice ? 'this key is there twice' : undefined)
  const valueSays = whole.error?.issues[0]?.message
  return { ...(says === undefined ? {} : { key: says }), ...(valueSays === undefined ? {} : { value: valueSays }) }
}

/** By the contract's own rules; lines with neither key nor value are left out. */
export function checkLabels(fields: readonly LabelField[]): LabelsCheck {
  const filled = fields.filter(({ key, value }) => key !== '' || value !== '')
  const counts = new Map<string, number>()
  for (const { key } of filled) counts.set(key, (counts.get(key) ?? 0) + 1)
  const errors = new Map(filled.map((field) => [field.id, errorOf(field, (counts.get(field.key) ?? 0) > 1)]))
  for (const [id, each] of errors) if (Object.keys(each).length === 0) errors.delete(id)
  const error = filled.length > MAX_LABELS ? `at most ${MAX_LABELS} labels; these are ${filled.length}` : null
  return { errors, error, labels: Object.fromEntries(filled.map(({ key, value }) => [key, value.trim()])) }
}
