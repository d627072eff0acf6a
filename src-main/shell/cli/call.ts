import { inputSchemaOf, inputShapeOf, outputShapeOf } from '../../../src-shared/contract/describe.ts'
import { daemonContract } from '../../../src-shared/contract/daemon.ts'
import { toPilothouseError, type CallContext } from '../../../src-shared/contract/client.ts'
import type { Field } from './fields.ts'
import { mintCommandId } from './ids.ts'
import type { Invocation } from './invocation.ts'
import type { DaemonSession } from './ports.ts'
import { SPELLINGS, type DaemonCallName } from './spelling.ts'
import { usageError } from './usage-error.ts'

export function pathOf(name: DaemonCallName): string[] {
  return name.split('.')
}

export function isStream(name: DaemonCallName): boolean {
  return outputShapeOf(daemonContract, pathOf(name)).isStream
}

/** A mutating command without a command id gets a new one: only a retry names its own. */
export function withCommandId(name: DaemonCallName, input: unknown, invocation: Invocation): unknown {
  const needsId = inputShapeOf(daemonContract, pathOf(name)).required?.includes('commandId') === true
  if (!needsId || typeof input !== 'object' || input === null || 'commandId' in input) return input
  return { commandId: mintCommandId(invocation.deps.random), ...input }
}

/** Refuses what the receiver would refuse, before anything is sent, in the words of the command line. */
export function checkInput(name: DaemonCallName, input: unknown, fields: readonly Field[] = []): void {
  const answer = inputSchemaOf(daemonContract, pathOf(name))?.safeParse(input)
  if (answer?.success !== false) return
  const sentences = answer.error.issues.map((issue) => complaintOf(name, issue, fields))
  throw usageError(`${sentences.join('; ')}.`, `See \`pilothouse ${SPELLINGS[name].words.join(' ')} --help\`.`)
}

interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** Names the place on the command line; never repeats the value. */
function complaintOf(name: DaemonCallName, { path, message }: Issue, fields: readonly Field[]): string {
  const words = path.map(String)
  const field = fields.find((candidate) => candidate.path.join('.') === words.join('.'))
  if (field !== undefined) return `${flagOf(field)}: ${message}`
  const inside = fields.filter((candidate) => words.length === 1 && candidate.path[0] === words[0])
  if (inside.length > 0) return `say at least one of ${inside.map(flagOf).join(', ')}`
  return `${wordsApart(name, words) ?? (words.length === 0 ? 'input' : words.join('.'))}: ${message}`
}

function flagOf(field: Field): string {
  return field.isPositional ? field.flag.toUpperCase() : `--${field.flag}`
}

/** `startup.variables.NAME` as `--env NAME`, where the call is spelled so. */
function wordsApart(name: DaemonCallName, path: readonly string[]): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const spelled = SPELLINGS[name].apart?.[path.slice(0, length).join('.')]
    if (spelled !== undefined) return [spelled, ...path.slice(length)].join(' ')
  }
  return undefined
}

type AnyCall = (input: unknown, options: { context: CallContext; signal: AbortSignal }) => Promise<unknown>

/** Sends one call by its name; input and answer are parsed by the contract at both ends. */
export function send(
  session: DaemonSession,
  call: { name: DaemonCallName; input: unknown },
  invocation: Invocation,
): Promise<unknown> {
  let node: unknown = session.client
  for (const key of pathOf(call.name)) node = (node as Record<string, unknown>)[key]
  return (node as AnyCall)(call.input, invocation.callOptions)
}

/** The items of a subscription's answer. A cut in the middle is `host_unreachable`; it never looks like the end. */
export async function* itemsOf(answer: unknown, { requestId, deps }: Invocation): AsyncGenerator {
  try {
    yield* answer as AsyncIterable<unknown>
  } catch (error) {
    throw toPilothouseError(error, requestId, deps.signal)
  }
}
