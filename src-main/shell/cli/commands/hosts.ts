import { createInterface } from 'node:readline/promises'
import { appContract } from '../../../../src-shared/contract/app.ts'
import { inputSchemaOf, inputShapeOf } from '../../../../src-shared/contract/describe.ts'
import { metaAt } from '../../../../src-shared/contract/client.ts'
import { PilothouseError } from '../../../../src-shared/error.ts'
import type { HostKey, HostTarget } from '../../../../src-shared/model/host.ts'
import { hostNameSchema, type HostName } from '../../../../src-shared/model/ids.ts'
import { fieldsOf, inputOf } from '../fields.ts'
import type { Invocation, Task } from '../invocation.ts'
import type { KnownHost } from '../ports.ts'
import { hostTable } from '../render/host.ts'
import { usageError } from '../usage-error.ts'
import { addFields, givenFields } from './field-options.ts'
import { commandAt } from './group.ts'
import type { Place } from './perform.ts'

/** `hosts …`: this console's own list of hosts, shared with the app; summaries are the app contract's. */
export function addHostCommands(place: Place): void {
  addList(place)
  addAdd(place)
  addRemove(place)
  addAcceptKey(place)
}

function summaryOf(call: keyof typeof appContract.hosts): string {
  return metaAt(appContract, ['hosts', call])?.summary ?? ''
}

/** These commands are about the console's list, so that a daemon named with them is a mistake. */
function local(task: Task): Task {
  return (invocation) => {
    if (invocation.hasTargetOption)
      throw usageError("This command is about the console's own list; leave --host and --socket out.")
    return task(invocation)
  }
}

function addList({ program, perform }: Place): void {
  const command = commandAt(program, ['hosts', 'list']).description(summaryOf('list'))
  command.action(() =>
    perform(
      command,
      local((invocation) => {
        const hosts = invocation.hostRoster().list()
        invocation.output.item(hosts, () => hostTable(hosts))
        return Promise.resolve()
      }),
    ),
  )
}

function addAdd({ program, perform }: Place): void {
  const command = commandAt(program, ['hosts', 'add']).description('Remember a host. Nothing is sent to it yet.')
  const path = ['hosts', 'add']
  const fields = fieldsOf(inputShapeOf(appContract, path), {
    positional: ['name', 'target.address'],
    spread: ['target'],
  })
  addFields(command, fields, () => false)
  command.action(() =>
    perform(
      command,
      local((invocation) => {
        const parsed = inputSchemaOf(appContract, path)?.safeParse(inputOf(fields, givenFields(command, fields)))
        if (parsed?.success !== true)
          throw usageError(`${issueOf(parsed?.error)}.`, 'See `pilothouse hosts add --help`.')
        const { name, target } = parsed.data as { name: HostName; target: HostTarget }
        say(invocation.hostRoster().add(name, target), invocation)
        return Promise.resolve()
      }),
    ),
  )
}

function issueOf(error: { issues: readonly { path: readonly PropertyKey[]; message: string }[] } | undefined): string {
  return (error?.issues ?? []).map(({ path, message }) => `${String(path.at(-1) ?? 'input')}: ${message}`).join('; ')
}

function say(host: KnownHost, invocation: Invocation): void {
  invocation.output.item(host, () => hostTable([host]))
}

function nameOf(word: string): HostName {
  const parsed = hostNameSchema.safeParse(word)
  if (!parsed.success) throw usageError(`The host's name ${parsed.error.issues[0]?.message ?? 'is malformed'}.`)
  return parsed.data
}

function addRemove({ program, perform }: Place): void {
  const command = commandAt(program, ['hosts', 'remove'])
    .description(summaryOf('remove'))
    .argument('<name>', "the host's name")
  command.action((word: string) =>
    perform(
      command,
      local((invocation) => {
        const name = nameOf(word)
        invocation.hostRoster().remove(name)
        invocation.output.item({ removed: name }, () => `${name} is forgotten; nothing happened on the host.`)
        return Promise.resolve()
      }),
    ),
  )
}

function addAcceptKey({ program, perform }: Place): void {
  const command = commandAt(program, ['hosts', 'accept-key'])
    .description(
      `${summaryOf('acceptKey')} Without a fingerprint it shows the key, and asks where someone is at the terminal.`,
    )
    .argument('<name>', "the host's name")
    .argument('[fingerprint]', "SHA256:… as the host's admin told you")
  command.action((word: string, fingerprint?: string) =>
    perform(
      command,
      local((invocation) => acceptKey(nameOf(word), fingerprint, invocation)),
    ),
  )
}

async function acceptKey(name: HostName, given: string | undefined, invocation: Invocation): Promise<void> {
  const book = invocation.hostRoster()
  const { signal } = invocation.deps
  const fingerprint = given ?? (await confirmedFingerprint(name, await book.fetchKey(name, signal), invocation))
  say(await book.acceptKey(name, fingerprint, signal), invocation)
}

async function confirmedFingerprint(name: HostName, key: HostKey, { deps, output }: Invocation): Promise<string> {
  const shown = `${name} shows the key ${key.fingerprint} (${key.type}).`
  if (!deps.io.stdin.isTTY || !deps.io.stderr.isTTY || output.isJson) {
    throw new PilothouseError('host_key_unknown', shown, {
      hint: `Compare it with the host's admin, then: pilothouse hosts accept-key ${name} ${key.fingerprint}`,
      details: { key },
    })
  }
  const prompt = createInterface({ input: deps.io.stdin, output: deps.io.stderr })
  try {
    const answer = await prompt.question(`${shown}\nCompare it with the host's admin. Type yes to pin it: `, {
      signal: deps.signal,
    })
    if (answer.trim() !== 'yes') throw new PilothouseError('host_key_unknown', 'The key was not accepted.')
    return key.fingerprint
  } finally {
    prompt.close()
  }
}
