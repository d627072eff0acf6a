import { getEventIteratorSchemaDetails, type AnyContractRouter, type AnySchema } from '@orpc/contract'
import { z } from 'zod'
import { procedureAt } from './client.ts'

/** A schema in words that a reference, a command line or a form can use; a subset of JSON Schema. */
export interface SchemaShape {
  /** A schema of `names`, as `#/$defs/NAME`. */
  readonly $ref?: string
  readonly type?: string
  readonly properties?: Readonly<Record<string, SchemaShape>>
  readonly required?: readonly string[]
  readonly items?: SchemaShape
  readonly anyOf?: readonly SchemaShape[]
  readonly oneOf?: readonly SchemaShape[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  /** What the schema itself says of a value that does not fit, such as `must be env- and 8 hex digits`. */
  readonly description?: string
  readonly additionalProperties?: SchemaShape | boolean
}

/** Values that no schema of a text or a number takes: what it answers says what it would take. */
const MISFITS: readonly unknown[] = ['\n', -0.5]

function sentenceOf(schema: z.core.$ZodType): string | undefined {
  for (const misfit of MISFITS) {
    const answer = z.safeParse(schema, misfit)
    const message = answer.error?.issues[0]?.message
    if (message?.startsWith('must ') === true) return message
  }
  return undefined
}

/** Schemas that have a name of their own, and are referred to by it instead of being written out again. */
export type SchemaNames = z.core.$ZodRegistry<{ readonly id: string }>

/** A schema in words; with `names`, schemas inside it that have a name are references. */
export function shapeOf(schema: z.core.$ZodType, io: 'input' | 'output', names?: SchemaNames): SchemaShape {
  return z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    metadata: (names ?? z.registry()) as never,
    override: ({ zodSchema, jsonSchema }) => {
      const says = sentenceOf(zodSchema)
      if (says !== undefined) jsonSchema.description ??= says
    },
  }) as SchemaShape
}

const NOTHING: SchemaShape = { type: 'object', properties: {} }

/** The zod schema that the receiver parses a call's input with; undefined for an unknown call. */
export function inputSchemaOf(contract: AnyContractRouter, path: readonly string[]): z.ZodType | undefined {
  return procedureAt(contract, path)?.['~orpc'].inputSchema as z.ZodType | undefined
}

/** What a call takes. */
export function inputShapeOf(contract: AnyContractRouter, path: readonly string[], names?: SchemaNames): SchemaShape {
  const schema = inputSchemaOf(contract, path)
  return schema === undefined ? NOTHING : shapeOf(schema, 'input', names)
}

/** What a call answers; for a subscription, the shape of one event. */
export function outputShapeOf(
  contract: AnyContractRouter,
  path: readonly string[],
  names?: SchemaNames,
): { readonly isStream: boolean; readonly shape: SchemaShape } {
  const schema = procedureAt(contract, path)?.['~orpc'].outputSchema as AnySchema | undefined
  const yields = getEventIteratorSchemaDetails(schema)?.yields
  const shown = (yields ?? schema) as z.core.$ZodType | undefined
  return { isStream: yields !== undefined, shape: shown === undefined ? NOTHING : shapeOf(shown, 'output', names) }
}
