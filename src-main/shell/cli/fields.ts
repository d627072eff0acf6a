import type { SchemaShape } from '../../../src-shared/contract/describe.ts'

/** How a call's input is laid out on the command line. */
export interface FieldLayout {
  /** Fields given by position, in order, by their dotted path. */
  readonly positional?: readonly string[]
  /** Nested objects whose fields are flags of their own name, not prefixed with the object's. */
  readonly spread?: readonly string[]
  /** Values that the command spells in words of its own: dotted path to those words. Their outer field has no flag. */
  readonly apart?: Readonly<Record<string, string>>
  /** What `--help` adds to the schema's own word on a value, by its dotted path. */
  readonly notes?: Readonly<Record<string, string>>
}

/** What was given for one value: a word, a switch, or the words of a list. */
export type Given = string | boolean | readonly string[]

/** One value of a call's input, and its place on the command line. */
export interface Field {
  /** Where it goes in the input. */
  readonly path: readonly string[]
  /** Kebab case, without dashes in front. */
  readonly flag: string
  readonly shape: SchemaShape
  readonly isRequired: boolean
  readonly isPositional: boolean
  /** See `FieldLayout.notes`. */
  readonly note?: string | undefined
}

/** `memoryMiB` → `memory-mib`; a leading `is` of a switch is dropped. */
export function flagNameOf(key: string, shape: SchemaShape): string {
  const name = shape.type === 'boolean' ? key.replace(/^is(?=[A-Z])/, '') : key
  return name
    .replace('MiB', 'Mib')
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    .replace(/^-/, '')
}

/** Every value that an input takes, derived from its schema. */
export function fieldsOf(input: SchemaShape, layout: FieldLayout = {}): Field[] {
  const apart = new Set(Object.keys(layout.apart ?? {}).map((path) => path.split('.')[0]))
  const fields = Object.entries(input.properties ?? {})
    .filter(([key]) => !apart.has(key))
    .flatMap(([key, shape]) => fieldsAt(key, shape, { input, layout }))
  const places = layout.positional ?? []
  const positional = places.map((place) => fields.find((field) => field.path.join('.') === place))
  return [...positional.filter((field) => field !== undefined), ...fields.filter((field) => !field.isPositional)]
}

function fieldsAt(key: string, shape: SchemaShape, place: { input: SchemaShape; layout: FieldLayout }): Field[] {
  const isRequired = place.input.required?.includes(key) === true
  if (shape.properties === undefined) {
    const isPositional = place.layout.positional?.includes(key) === true
    const note = place.layout.notes?.[key]
    return [{ path: [key], flag: flagNameOf(key, shape), shape, isRequired, isPositional, note }]
  }
  const prefix = place.layout.spread?.includes(key) === true ? '' : `${flagNameOf(key, shape)}-`
  return Object.entries(shape.properties).map(([inner, innerShape]) => ({
    path: [key, inner],
    flag: prefix + flagNameOf(inner, innerShape),
    shape: innerShape,
    isRequired: isRequired && shape.required?.includes(inner) === true,
    isPositional: place.layout.positional?.includes(`${key}.${inner}`) === true,
    note: place.layout.notes?.[`${key}.${inner}`],
  }))
}

const NUMERIC = /^-?\d+(?:\.\d+)?$/

function takesNumbers(shape: SchemaShape): boolean {
  return shape.type === 'integer' || shape.type === 'number' || (shape.anyOf ?? []).some(takesNumbers)
}

/** A word of the command line as the value the schema is asked about; what does not fit is left for it to refuse. */
export function valueOf(shape: SchemaShape, word: Given): unknown {
  if (typeof word !== 'string') return word
  if (shape.type === 'boolean') return word === 'on' ? true : word === 'off' ? false : word
  return takesNumbers(shape) && NUMERIC.test(word) ? Number(word) : word
}

/** The input made of what was given; absent values are left out, so that the receiver's defaults hold. */
export function inputOf(fields: readonly Field[], given: ReadonlyMap<Field, Given>): Record<string, unknown> {
  const input: Record<string, unknown> = {}
  for (const field of fields) {
    const word = given.get(field)
    if (word === undefined) continue
    const [outer, inner] = field.path as [string, string?]
    const value = valueOf(field.shape, word)
    if (inner === undefined) input[outer] = value
    else input[outer] = { ...(input[outer] as object | undefined), [inner]: value }
  }
  return input
}

/** What a value looks like, for `--help`: `<number>`, `<on|off>`, `<text>`. */
export function placeholderOf(field: Field): string {
  const { shape } = field
  if (shape.enum !== undefined) return shape.enum.map(String).join('|')
  if (shape.type === 'boolean') return 'on|off'
  if (shape.anyOf?.some((option) => option.const !== undefined) === true) {
    return shape.anyOf
      .map((option) => (option.const === undefined ? 'number' : JSON.stringify(option.const).replaceAll('"', '')))
      .join('|')
  }
  return takesNumbers(shape) ? 'number' : 'text'
}

/** What is said of a value in `--help` and in the reference, from the schema itself, and then its note. */
export function sentenceOf(field: Field): string {
  const shape = field.shape.items ?? field.shape
  const fallback = shape.default === undefined ? '' : `default ${JSON.stringify(shape.default)}`
  return [grammarOf(shape), fallback, field.note ?? ''].filter((part) => part !== '').join('; ')
}

function grammarOf(shape: SchemaShape): string {
  if (shape.description?.startsWith('must be ') === true) return shape.description.replace('must be ', '')
  if (shape.maxLength !== undefined) return `at most ${shape.maxLength} characters`
  const { minimum, maximum } = shape
  if (minimum === undefined || maximum === undefined) return ''
  return maximum === Number.MAX_SAFE_INTEGER ? `from ${minimum}` : `from ${minimum} to ${maximum}`
}
