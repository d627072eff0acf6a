import { spawn, type ChildProcess } from 'node:child_process'
import { childOptions } from './child-options.ts'
import { identifyProcess, type ProcessIdentity } from './processes.ts'
import { ProgramFailure } from './program-failure.ts'

const DEFAULT_STDOUT_LIMIT = 1024 * 1024
const DEFAULT_STDERR_LIMIT = 64 * 1024

export interface ProgramRequest {
  /** A program's name, looked up in the tools' directories, or an absolute path. */
  readonly file: string
  readonly args: readonly string[]
  /** Exit codes that are answers; any other is a `ProgramFailure`. Only 0 unless told. */
  readonly expectedExits?: readonly number[]
  /** Wall-clock bound; the program is killed when it is over. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  readonly stdin?: string | Uint8Array
  /** Bytes. More output than this is a failure, never a silent truncation. 1 MiB unless told. */
  readonly stdoutLimit?: number
  /**
   * Takes stdout as it comes instead of it being gathered: the result's is then empty and has no limit. A slow reader
   * slows the program down. What it leaves unread is dropped; when it rejects, the program is ended and the run
   * rejects with the same error.
   */
  readonly readStdout?: (chunks: AsyncIterable<Buffer>) => Promise<void>
  /** Sees all of stderr as it comes, whatever of it is kept. */
  readonly onStderr?: (chunk: Buffer) => void
  /** Bytes kept of the end of stderr; the rest is dropped. 64 KiB unless told. */
  readonly stderrLimit?: number
  readonly workingDirectory?: string
  /** Added to the small environment every child gets. */
  readonly environment?: Readonly<Record<string, string>>
  /** Open descriptors that the program gets as 3 and up, in this order; they stay the caller's to close. */
  readonly descriptors?: readonly number[]
  /**
   * Called with the program's identity as soon as it runs, so that it can be journaled. When it throws, or the identity
   * cannot be told, the program is ended, and the run rejects with that error.
   */
  readonly onStarted?: (process: ProcessIdentity) => void
  /** How it is ended before its time: asked by this signal, killed only after `graceMs`. Killed at once unless told. */
  readonly stop?: { readonly signal: 'SIGINT' | 'SIGTERM'; readonly graceMs: number }
}

export interface ProgramResult {
  readonly exitCode: number
  readonly stdout: Buffer
  readonly stderr: string
}

/**
 * Runs one program to its end: the one way to a child process that is not a guest. It dies with the daemon.
 * Rejects with `ProgramFailure`, or with the signal's reason when aborted; in both cases only after the program
 * is gone. Programs that the program itself left behind in the background are not followed.
 */
export async function runProgram(request: ProgramRequest): Promise<ProgramResult> {
  request.signal?.throwIfAborted()
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', request.file, ...request.args], {
    ...childOptions(request),
    stdio: ['pipe', 'pipe', 'pipe', ...(request.descriptors ?? [])],
  })
  return await new ProgramRun(child, request).result()
}

/** One child from spawn to close: gathers its output and ends it when a bound is passed. */
class ProgramRun {
  private readonly child: ChildProcess
  private readonly request: ProgramRequest
  private readonly stdout: Buffer[] = []
  private stdoutBytes = 0
  private stderr: Buffer = Buffer.alloc(0)
  private ending: 'timed_out' | 'aborted' | 'output_too_large' | 'reader_failed' | 'start_not_told' | undefined
  /** What the caller's own part threw. */
  private callersFailure: unknown
  private killTimer: NodeJS.Timeout | undefined

  constructor(child: ChildProcess, request: ProgramRequest) {
    this.child = child
    this.request = request
  }

  async result(): Promise<ProgramResult> {
    const timer = setTimeout(() => this.end('timed_out'), this.request.timeoutMs)
    const abort = (): void => this.end('aborted')
    this.request.signal?.addEventListener('abort', abort, { once: true })
    try {
      this.gatherOutput()
      const [[code, signal]] = await Promise.all([this.closed(), this.feedReader(), this.reportStart()])
      return this.judge(code, signal)
    } finally {
      clearTimeout(timer)
      clearTimeout(this.killTimer)
      this.request.signal?.removeEventListener('abort', abort)
    }
  }

  private gatherOutput(): void {
    const stdoutLimit = this.request.stdoutLimit ?? DEFAULT_STDOUT_LIMIT
    const stderrLimit = this.request.stderrLimit ?? DEFAULT_STDERR_LIMIT
    if (this.request.readStdout === undefined)
      this.child.stdout?.on('data', (chunk: Buffer) => {
        this.stdoutBytes += chunk.length
        if (this.stdoutBytes > stdoutLimit) this.end('output_too_large')
        else this.stdout.push(chunk)
      })
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.request.onStderr?.(chunk)
      const joined = Buffer.concat([this.stderr, chunk])
      this.stderr = joined.subarray(Math.max(0, joined.length - stderrLimit))
    })
    // A program may end without reading what it was given; its exit says whether that mattered.
    this.child.stdin?.on('error', () => undefined)
    this.child.stdin?.end(this.request.stdin ?? '')
  }

  /** Never rejects: why the reader failed is told once the program is gone. */
  private async feedReader(): Promise<void> {
    const { stdout } = this.child
    const { readStdout } = this.request
    if (readStdout === undefined || stdout === null) return
    try {
      await readStdout(stdout.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>)
    } catch (error) {
      this.callersFailure ??= error
      this.end('reader_failed')
    } finally {
      stdout.resume()
    }
  }

  /** Never rejects. One that has no identity any more has ended, and there is nothing to tell of it. */
  private async reportStart(): Promise<void> {
    const { onStarted } = this.request
    const { pid } = this.child
    if (onStarted === undefined || pid === undefined) return
    try {
      const identity = await identifyProcess(pid)
      if (identity !== undefined) onStarted(identity)
    } catch (error) {
      this.callersFailure ??= error
      this.end('start_not_told')
    }
  }

  private closed(): Promise<[number | null, string | null]> {
    return new Promise((resolve, reject) => {
      this.child.once('close', (code, signal) => resolve([code, signal]))
      this.child.once('error', (cause) =>
        reject(
          new ProgramFailure('not_started', {
            file: this.request.file,
            says: `could not be started (${cause.message})`,
            cause,
          }),
        ),
      )
    })
  }

  private end(why: NonNullable<ProgramRun['ending']>): void {
    const { stop } = this.request
    if (stop === undefined) {
      this.ending ??= why
      this.kill()
    } else if (this.ending === undefined) {
      this.ending = why
      // Its pipes stay open and drained: a broken one would kill it before it has cleaned up.
      this.child.kill(stop.signal)
      this.killTimer = setTimeout(() => this.kill(), stop.graceMs)
      this.child.once('exit', () => this.dropPipes())
    }
  }

  private kill(): void {
    this.child.kill('SIGKILL')
    this.dropPipes()
  }

  /** A grandchild may hold the pipes open; what it still writes is of no interest. */
  private dropPipes(): void {
    this.child.stdout?.destroy()
    this.child.stderr?.destroy()
  }

  private judge(code: number | null, signal: string | null): ProgramResult {
    const { file, timeoutMs, expectedExits } = this.request
    const ended = this.request.stop === undefined ? 'killed' : 'stopped'
    const stderr = this.stderr.toString('utf8')
    if (this.ending === 'aborted') this.request.signal?.throwIfAborted()
    if (this.ending === 'reader_failed' || this.ending === 'start_not_told') throw this.callersFailure
    if (this.ending === 'timed_out')
      throw new ProgramFailure('timed_out', {
        file,
        says: `was not done after ${timeoutMs} ms and was ${ended}`,
        stderr,
      })
    if (this.ending === 'output_too_large')
      throw new ProgramFailure('output_too_large', { file, says: `wrote more than its limit and was ${ended}`, stderr })
    if (code === null)
      throw new ProgramFailure('killed', { file, says: `was ended by ${signal ?? 'a signal'}`, stderr })
    if (code >= 126 && stderr.startsWith('setpriv: failed to execute'))
      throw new ProgramFailure('not_started', { file, says: 'could not be started', exitCode: code, stderr })
    if (!(expectedExits ?? [0]).includes(code))
      throw new ProgramFailure('unexpected_exit', { file, says: `exited with ${code}`, exitCode: code, stderr })
    return { exitCode: code, stdout: Buffer.concat(this.stdout), stderr }
  }
}
