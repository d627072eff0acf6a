import { spawn, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'

/** Most of a failed program's output that is repeated, in characters. */
const LAST_WORDS = 4000

/** A program that ended in a way its caller does not accept. */
export class CommandFailed extends Error {
  readonly argv: readonly string[]
  readonly exitCode: number
  readonly output: string

  constructor(argv: readonly string[], exitCode: number, output: string) {
    super(`${argv.join(' ')} ended with ${exitCode}${output === '' ? '' : `:\n${output.slice(-LAST_WORDS)}`}`)
    this.name = 'CommandFailed'
    this.argv = argv
    this.exitCode = exitCode
    this.output = output
  }
}

export interface RunOptions extends Pick<SpawnOptions, 'cwd' | 'env' | 'uid' | 'gid' | 'signal'> {
  /** `inherit` shows the output, `capture` returns it. */
  readonly output?: 'inherit' | 'capture'
  /** Ends the program with SIGKILL after this many milliseconds. */
  readonly deadlineMs?: number
  readonly input?: string
}

export interface RunResult {
  readonly exitCode: number
  readonly stdout: string
  /** stdout and stderr as they came. */
  readonly output: string
}

/** Runs a program to its end, whatever its exit status. argv only; never a shell. */
export async function runAny(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { output = 'capture', deadlineMs, input, ...spawnOptions } = options
  const [file = '', ...args] = argv
  const pipe = output === 'inherit' ? 'inherit' : 'pipe'
  const child = spawn(file, args, {
    ...spawnOptions,
    stdio: [input === undefined ? 'ignore' : 'pipe', pipe, pipe],
    ...(deadlineMs === undefined ? {} : { timeout: deadlineMs, killSignal: 'SIGKILL' as const }),
  })
  let [stdout, all] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => ((stdout += text), (all += text)))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (all += text))
  child.stdin?.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { exitCode: code ?? 137, stdout, output: all }
}

/** Runs a program that has to succeed. Throws `CommandFailed`. */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await runAny(argv, options)
  if (result.exitCode !== 0) throw new CommandFailed(argv, result.exitCode, result.output)
  return result.stdout
}
