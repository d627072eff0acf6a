import type { AnyContractProcedure, AnySchema, InferSchemaOutput } from '@orpc/contract'

/** The dotted names of a contract's calls, such as `environments.destroy.run`: tables keyed by it are exhaustive. */
export type CallNameOf<Router, Prefix extends string = ''> = {
  [Key in keyof Router & string]: Router[Key] extends AnyContractProcedure
    ? `${Prefix}${Key}`
    : CallNameOf<Router[Key], `${Prefix}${Key}.`>
}[keyof Router & string]

type ProcedureNamed<Router, Name extends string> = Name extends `${infer Head}.${infer Rest}`
  ? Head extends keyof Router
    ? ProcedureNamed<Router[Head], Rest>
    : never
  : Name extends keyof Router
    ? Router[Name]
    : never

type OutputSchemaOf<Router, Name extends string> =
  ProcedureNamed<Router, Name> extends { '~orpc': infer Declared extends { readonly outputSchema?: AnySchema } }
    ? NonNullable<Declared['outputSchema']>
    : never

/** What the caller of a call gets, parsed. */
export type CallOutput<Router, Name extends string> = InferSchemaOutput<OutputSchemaOf<Router, Name>>
