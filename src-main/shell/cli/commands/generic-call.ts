import { text } from 'node:stream/consumers'
import { Argument } from 'commander'
import { checkInput, isStream, itemsOf, send, withCommandId } from '../call.ts'
import type { Invocation } from '../invocation.ts'
import { SPELLINGS, type DaemonCallName } from '../spelling.ts'
import { usageError } from '../usage-error.ts'
import type { Place } from './perform.ts'

const NAMES = Object.keys(SPELLINGS) as DaemonCallName[]

/** `pilothouse call NAME [JSON]`: any call of the contract, for scripts; always answers with JSON. */
export function addGenericCall({ program, perform }: Place): void {
  const command = program
    .command('call')
    .description('Any call of the daemon by its name, with its input as JSON; the answer is JSON.')
    .addArgument(new Argument('<name>', 'the dotted name, see docs/api.md').choices(NAMES))
    .argument('[json]', 'the input; - reads it from stdin', '{}')
  command.action((name: DaemonCallName, json: string) =>
    perform(command, async (invocation) => callWith(name, await inputFrom(json, invocation), invocation)),
  )
}

async function inputFrom(json: string, invocation: Invocation): Promise<unknown> {
  const source = json === '-' ? await text(invocation.deps.io.stdin) : json
  try {
    return JSON.parse(source) as unknown
  } catch (cause) {
    throw usageError(`The input is not JSON: ${cause instanceof Error ? cause.message : 'it cannot be read'}.`)
  }
}

async function callWith(name: DaemonCallName, given: unknown, invocation: Invocation): Promise<void> {
  const input = withCommandId(name, given, invocation)
  checkInput(name, input)
  const answer = await send(await invocation.connect(), { name, input }, invocation)
  const print = (value: unknown) => invocation.output.item(value, () => JSON.stringify(value, null, 2))
  if (!isStream(name)) print(answer)
  else for await (const item of itemsOf(answer, invocation)) print(item)
}
