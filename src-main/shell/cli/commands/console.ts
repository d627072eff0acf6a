import type { Disposable } from '../../../../src-shared/lib/disposable.ts'
import { consoleTargetSchema, type ConsoleTarget } from '../../../../src-shared/contract/console-stream.ts'
import { attachKeyboard } from '../console/keyboard.ts'
import { ConsoleReader } from '../console/console-reader.ts'
import { exportConsole } from '../console/export.ts'
import { ConsoleScreen } from '../console/screen.ts'
import { streamOpener } from '../console/streams.ts'
import type { Invocation } from '../invocation.ts'
import { usageError } from '../usage-error.ts'
import { commandAt } from './group.ts'
import type { Place } from './perform.ts'

interface ConsoleOptions {
  readonly boot?: string
  readonly offset?: string
  readonly follow?: boolean
  readonly input: boolean
  readonly takeOver?: boolean
  readonly export?: string
}

/** `env console`: the guest's console, not a call of the contract but its second channel. */
export function addConsoleCommand({ program, perform }: Place): void {
  const command = commandAt(program, ['env', 'console'])
    .description("Read the guest's console and type into it; Ctrl-] leaves it. It goes on by itself after a cut.")
    .argument('<environment>', 'an environment id or name')
    .option('--boot <id>', 'an earlier boot, see `env boots`; without it the newest')
    .option('--offset <number>', 'the first byte; without it the first that is kept')
    .option('--follow', 'read only, and go on with each next boot')
    .option('--no-input', 'read only')
    .option('--take-over', 'take the keyboard from whoever is typing')
    .option('--export <file>', 'every kept byte of the boot into a file (- for stdout), then end')
  command.action((environment: string) => {
    const options = command.opts<ConsoleOptions>()
    const target = targetOf(environment, options)
    return perform(command, (invocation) =>
      options.export === undefined ? attach(target, options, invocation) : exportTo(target, options.export, invocation),
    )
  })
}

function targetOf(environment: string, { boot, offset }: ConsoleOptions): () => ConsoleTarget {
  return () => {
    const parsed = consoleTargetSchema.safeParse({ environment, bootId: boot, offset })
    if (parsed.success) return parsed.data
    const issue = parsed.error.issues[0]
    throw usageError(`${String(issue?.path[0] ?? 'environment')}: ${issue?.message ?? 'is malformed'}.`)
  }
}

function exportTo(target: () => ConsoleTarget, file: string, invocation: Invocation): Promise<void> {
  if (file === '-' && invocation.output.isJson) throw usageError('--json and --export - would both write to stdout.')
  return exportConsole(target(), file, invocation)
}

async function attach(target: () => ConsoleTarget, options: ConsoleOptions, invocation: Invocation): Promise<void> {
  const { clock, random, signal, io } = invocation.deps
  const isTyping =
    options.input && options.follow !== true && !invocation.output.isJson && io.stdin.isTTY && io.stdout.isTTY
  const detached = new AbortController()
  const ending = AbortSignal.any([signal, detached.signal])
  const screen = new ConsoleScreen(invocation)
  const reader = new ConsoleReader({
    open: streamOpener(invocation, ending),
    clock,
    random,
    signal: ending,
    typing: !isTyping ? 'none' : options.takeOver === true ? 'take-over' : 'ask',
    until: options.follow === true ? 'interrupted' : 'boot-ended',
  })
  const keyboard = isTyping ? typeInto(reader, screen, { invocation, detached }) : undefined
  try {
    for await (const item of reader.read(target())) await screen.draw(item)
  } catch (error) {
    if (!detached.signal.aborted) throw error
  } finally {
    keyboard?.dispose()
    screen.close()
  }
}

function typeInto(
  reader: ConsoleReader,
  screen: ConsoleScreen,
  { invocation, detached }: { invocation: Invocation; detached: AbortController },
): Disposable {
  screen.say('leave with Ctrl-]')
  return attachKeyboard({
    stdin: invocation.deps.io.stdin,
    onTyped: (bytes) => {
      if (!reader.type(bytes)) screen.say('not connected: what you typed was not sent')
    },
    onDetach: () => detached.abort(),
  })
}
