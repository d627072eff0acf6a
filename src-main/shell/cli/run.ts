import { CommanderError, type Command } from 'commander'
import { PilothouseError } from '../../../src-shared/error.ts'
import type { RequestId } from '../../../src-shared/model/ids.ts'
import { newRequestId } from '../../fleet/daemon-link.ts'
import { AnsweredWith, EXITS, exitStatusOf } from './exit-codes.ts'
import { Invocation, type GlobalOptions, type Task } from './invocation.ts'
import { Output } from './output.ts'
import type { CliDeps } from './ports.ts'
import { buildProgram } from './program.ts'
import { usageError } from './usage-error.ts'

/**
 * Runs one command line (without `node` and script) and answers with the exit status. Never throws. Its request id is
 * minted before anything is read, so that every failure carries one.
 */
export async function runCli(words: readonly string[], deps: CliDeps): Promise<number> {
  const output = new Output(deps.io, words.includes('--json'))
  const complaints: string[] = []
  const requestId = newRequestId(deps.random)
  const program = buildProgram(deps.version, (command, task) => perform(command, task, { deps, requestId }))
  speakThrough(program, { deps, complaints })
  try {
    await program.parseAsync([...words], { from: 'user' })
    return EXITS.ok.status
  } catch (error) {
    return statusOf(error, { deps, output, complaints, requestId })
  }
}

interface Run {
  readonly deps: CliDeps
  readonly requestId: RequestId
}

async function perform(command: Command, task: Task, { deps, requestId }: Run): Promise<void> {
  const invocation = new Invocation(deps, requestId, command.optsWithGlobals<GlobalOptions>())
  try {
    await task(invocation)
  } finally {
    invocation.dispose()
  }
}

/** Help goes to stdout; what commander complains of is kept, to be said once, in our own form. */
function speakThrough(program: Command, { deps, complaints }: { deps: CliDeps; complaints: string[] }): void {
  const commands = [program, ...descendantsOf(program)]
  for (const command of commands) {
    command.exitOverride().configureOutput({
      writeOut: (text) => void deps.io.stdout.write(text),
      writeErr: (text) => void complaints.push(text),
    })
  }
}

function descendantsOf(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...descendantsOf(child)])
}

interface Ending extends Run {
  readonly output: Output
  readonly complaints: readonly string[]
}

function statusOf(error: unknown, { deps, output, complaints, requestId }: Ending): number {
  if (deps.signal.aborted) {
    output.note('Interrupted; what was asked of the host goes on there.')
    return EXITS.interrupted.status
  }
  if (error instanceof CommanderError && error.exitCode === 0) return EXITS.ok.status
  if (error instanceof AnsweredWith) return EXITS[error.exit].status
  const failure = failureOf(error, complaints)
  output.failure(failure.requestId === '' ? failure.withRequestId(requestId) : failure)
  return exitStatusOf(failure.code)
}

function failureOf(error: unknown, complaints: readonly string[]): PilothouseError {
  if (error instanceof PilothouseError) return error
  if (error instanceof CommanderError) return usageError(complaintOf(error, complaints))
  const says = error instanceof Error ? error.message : String(error)
  return new PilothouseError('internal', `Something unexpected happened here: ${says}`, { cause: error })
}

/** A group without a command answers with its help, as a complaint. */
function complaintOf(error: CommanderError, complaints: readonly string[]): string {
  if (error.code !== 'commander.help') return withoutValues(error.message.replace(/^error: /, ''))
  return `Say which command.\n\n${complaints.join('').trimEnd()}`
}

/** A misspelt `--env=NAME=VALUE` is named without what follows the flag: it may be a secret. */
function withoutValues(complaint: string): string {
  return complaint.replace(/^(unknown option '-[^=]*)=.*'/su, "$1=…'")
}
