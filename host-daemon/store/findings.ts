import type { z } from 'zod'

/** Results kept for texts that were parsed before; rows are read far more often than they change. */
const KEPT = 16_384

interface Parsed {
  readonly value: unknown
  readonly says: string | null
}

interface Given<T> {
  readonly value: unknown
  readonly standIn: T
}

/** Texts that a schema has allowed before. Only schemas that change nothing are asked here. */
const good = new WeakMap<z.ZodType, Set<string>>()

function isKnownGood(schema: z.ZodType, value: unknown): boolean {
  return typeof value === 'string' && good.get(schema)?.has(value) === true
}

function remembered<T>(schema: z.ZodType, value: unknown, parsed: T): T {
  if (typeof value !== 'string') return parsed
  const texts = good.get(schema) ?? new Set()
  if (texts.size >= KEPT) texts.clear()
  good.set(schema, texts.add(value))
  return parsed
}

/** What was found wrong in one row while it was read. Values never appear in it: they may be anything. */
export class Findings {
  private readonly problems: string[] = []

  /** The value itself where `schema` allows it; else the stand-in, and the field is named. */
  take<S extends z.ZodType>(field: string, schema: S, given: Given<z.infer<S>>): z.infer<S> {
    if (isKnownGood(schema, given.value)) return given.value as z.infer<S>
    const parsed = schema.safeParse(given.value)
    if (parsed.success) return remembered(schema, given.value, parsed.data)
    this.add(`${field} ${saysOf(parsed.error)}`)
    return given.standIn
  }

  /** The same for a column of JSON, whatever is in it. */
  takeJson<T>(field: string, reader: JsonReader<T>, given: Given<NoInfer<T>>): T {
    const { value, says } = reader.read(given.value)
    if (says === null) return value
    this.add(`${field} ${says}`)
    return given.standIn
  }

  add(problem: string): void {
    this.problems.push(problem)
  }

  /** One sentence; null where nothing was wrong. */
  sentence(): string | null {
    if (this.problems.length === 0) return null
    return `The record of this environment is malformed: ${this.problems.join('; ')}.`
  }
}

/** Parses JSON columns of one kind, each distinct text once. */
export class JsonReader<T> {
  private readonly schema: z.ZodType<T>
  private readonly says: string
  private readonly known = new Map<unknown, Parsed>()

  /** `says` follows the field's name where the schema does not allow what is there. */
  constructor(schema: z.ZodType<T>, says: string) {
    this.schema = schema
    this.says = says
  }

  /** `says` is null where the value is good. */
  read(
    text: unknown,
  ): { readonly value: T; readonly says: null } | { readonly value: undefined; readonly says: string } {
    const known = this.known.get(text) ?? this.remember(text)
    return known as { value: T; says: null }
  }

  private remember(text: unknown): Parsed {
    if (this.known.size >= KEPT) this.known.clear()
    const parsed = this.parse(text)
    this.known.set(text, parsed)
    return parsed
  }

  private parse(text: unknown): Parsed {
    try {
      const parsed = this.schema.safeParse(JSON.parse(String(text)))
      return parsed.success ? { value: parsed.data, says: null } : { value: undefined, says: this.says }
    } catch {
      return { value: undefined, says: 'is not JSON' }
    }
  }
}

/** The grammars say what is allowed; what a number should have been is said here. */
function saysOf(error: z.ZodError): string {
  const message = error.issues[0]?.message ?? ''
  return message.startsWith('must ') ? message : 'is not what it may be'
}
