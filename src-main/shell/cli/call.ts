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
  const sentences = answer.error.issues.map((issue) => `${placeOf(issue.path, fields)}: ${issue.message}`)
  throw usageError(`${sentences.join('; ')}.`, `See \`pilothouse ${SPELLINGS[name].words.join(' ')} --help\`.`)
}

function placeOf(path: readonly PropertyKey[], fields: readonly Field[]): string {
  const words = path.map(String)
  const field = fields.find((candidate) => candidate.path.join('.') === words.join('.'))
  if (field === undefined) return words.length === 0 ? 'input' : words.join('.')
  return field.isPositional ? field.flag.toUpperCase() : `--${field.flag}`
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
