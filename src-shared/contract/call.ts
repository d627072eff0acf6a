import { oc, type AnySchema } from '@orpc/contract'
import type { z } from 'zod'
import { ERROR_CATALOGUE, errorDataSchema, type ErrorCode } from '../error.ts'
import type { Role } from '../model/role.ts'

export type Effect = 'read' | 'write' | 'destructive'

/** What is declared of a call beside its schemas; every end reads it from here. */
export interface CallMeta {
  /** The lowest role that may call. */
  readonly role: Role
  readonly effect: Effect
  /** Default deadline in milliseconds; null only for subscriptions, which end with their connection. */
  readonly deadlineMs: number | null
  /** One sentence for the reference and the CLI's help. */
  readonly summary: string
  /** Codes that this call adds to `COMMON_ERRORS`. */
  readonly errors: readonly ErrorCode[]
}

/** Codes that any call may answer. */
export const COMMON_ERRORS = [
  'invalid_request',
  'input_too_large',
  'not_found',
  'forbidden',
  'cancelled',
  'host_unreachable',
  'storage_failed',
  'deadline_exceeded',
  'protocol_mismatch',
  'internal',
] as const satisfies readonly ErrorCode[]

type ErrorEntry = { status: number; message: string; data: typeof errorDataSchema }
export type ErrorMapOf<Code extends ErrorCode> = { [C in Code]: ErrorEntry }

function errorMapOf<Code extends ErrorCode>(codes: readonly Code[]): ErrorMapOf<Code> {
  const entries = codes.map((code) => [
    code,
    { status: ERROR_CATALOGUE[code].status, message: code, data: errorDataSchema },
  ])
  return Object.fromEntries(entries) as ErrorMapOf<Code>
}

interface CallSpec<Input extends z.ZodType, Output extends AnySchema, Code extends ErrorCode> {
  readonly summary: string
  readonly role: Role
  readonly effect: Effect
  readonly input: Input
  /** What it answers; for a subscription, the type of one event wrapped in `eventIterator`. */
  readonly output: Output
  readonly errors?: readonly Code[]
  readonly deadlineMs?: number | null
}

/** Reads answer within this, in milliseconds, unless the call says otherwise. */
export const READ_DEADLINE_MS = 10_000

/** Declares one call: the only place where its name, schemas, role, effect, deadline and errors are written. */
export function call<Input extends z.ZodType, Output extends AnySchema, Code extends ErrorCode = never>(
  spec: CallSpec<Input, Output, Code>,
) {
  const { summary, role, effect, input, output, errors = [], deadlineMs = READ_DEADLINE_MS } = spec
  const meta: CallMeta = { summary, role, effect, deadlineMs, errors }
  const codes: (Code | (typeof COMMON_ERRORS)[number])[] = [...COMMON_ERRORS, ...errors]
  return oc.$meta<CallMeta>(meta).route({ summary }).errors(errorMapOf(codes)).input(input).output(output)
}
