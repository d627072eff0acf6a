import { join } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../../../src-shared/lib/clock.ts'
import type { RepositoryLocation } from '../../../src-shared/model/repository.ts'
import { runProgram, type ProgramResult } from '../../system/child.ts'
import { makeEmptyFolder } from '../../system/folders.ts'
import type { ProcessIdentity } from '../../system/processes.ts'
import { ProgramFailure } from '../../system/program-failure.ts'
import { absolutePath, requireAccess, wayTo, type RepositoryAccess, type WayIn } from './access.ts'
import { failureOf, stuckFailure } from './run-failure.ts'
import { WatchedRun } from './watched-run.ts'

/** How restic comes by the password; it is in nobody's argv, environment or log, only its whereabouts are. */
export type ResticPassword =
  | { readonly file: string }
  /** A program and its arguments; it prints the password. No argument holds a quote or a backslash. */
  | { readonly command: readonly [string, ...string[]] }

export interface ResticSettings extends RepositoryAccess {
  readonly repository: RepositoryLocation
  readonly password: ResticPassword
  /** Of this repository alone: leftovers of a killed check are removed from it. Made when it is absent. */
  readonly cacheDirectory: string
  /** KiB per second, each way; unlimited unless told. */
  readonly bandwidth?: { readonly uploadKiBps?: number; readonly downloadKiBps?: number }
  /** How long restic may take to remove its lock when it is stopped; 20 s unless told. */
  readonly stopGraceMs?: number
  /** Name or absolute path; `restic` unless told. */
  readonly program?: string
}

export interface Deadlines {
  /** Without progress, by the bytes that it moves. */
  readonly idleMs: number
  readonly totalMs: number
}

/** What every verb takes beside its own. */
export interface ResticRunOptions {
  readonly signal?: AbortSignal
  /** restic's pid and start time as soon as it runs, so that they can be journaled. */
  readonly onStarted?: (process: ProcessIdentity) => void
  readonly deadlines?: Partial<Deadlines>
}

export interface ResticCall extends ResticRunOptions {
  readonly verb: string
  readonly flags: readonly string[]
  /** What follows `--`: never taken for an option. */
  readonly operands?: readonly string[]
  /** Exits that are answers; only 0 unless told. */
  readonly expectedExits?: readonly number[]
  readonly workingDirectory?: string
  readonly readStdout?: (chunks: AsyncIterable<Buffer>) => Promise<void>
  /** Sees all of what it complains of, also what is not kept for a failure. */
  readonly onStderr?: (chunk: Buffer) => void
  /** Another cache than the repository's. */
  readonly cacheDirectory?: string
}

/** Somewhere else than among the host's own mounts. */
export interface RunPlace {
  /** Pure: what to start instead of `program`, so that it runs there, as the same process, in that place's folder. */
  within(program: readonly string[]): [string, ...string[]]
}

const MINUTE_MS = 60_000
/** For calls whose work grows with the data, and for those that only look. */
export const LONG: Deadlines = { idleMs: 10 * MINUTE_MS, totalMs: 24 * 60 * MINUTE_MS }
export const SHORT: Deadlines = { idleMs: 2 * MINUTE_MS, totalMs: 15 * MINUTE_MS }

/** Removing the lock takes a round trip to the repository. */
const STOP_GRACE_MS = 20_000
const STDOUT_LIMIT_BYTES = 64 * 1024 * 1024
const STDERR_LIMIT_BYTES = 256 * 1024

const limitSchema = z.int().min(1).max(10_000_000)
const commandWord = z.string().regex(/^[^\p{Cc}'"\\]+$/u, 'must be without quotes, backslashes and controls')

/**
 * The one way to restic: one repository, its password and its cache. Every run has a deadline for progress and one in
 * all, is stopped by SIGINT so that it removes its lock (by SIGKILL only later), and dies with the daemon. A lock is
 * left behind all the same when it is killed, or stopped within the 0.2 s after it wrote the lock: `clearDeadLocks` is
 * for those. Nothing is said of who else uses the repository.
 */
export class Restic {
  readonly settings: ResticSettings
  readonly clock: Clock
  private readonly place: RunPlace | undefined

  constructor(settings: ResticSettings, clock: Clock, place?: RunPlace) {
    absolutePath.parse(settings.cacheDirectory)
    this.settings = settings
    this.clock = clock
    this.place = place
    requireAccess(settings)
    this.passwordEnvironment()
    this.limitFlags()
  }

  /** The same repository, every run started in that place; a call's own working directory counts for nothing there. */
  within(place: RunPlace): Restic {
    return new Restic(this.settings, this.clock, place)
  }

  /**
   * Runs one verb to its end. Rejects with `ResticFailure`, or with the signal's reason when aborted, in each case once
   * restic is gone; an aborted run may have done all or part of its work.
   */
  async run(call: ResticCall): Promise<ProgramResult> {
    const { verb, readStdout, onStarted, onStderr } = call
    const deadlines = { ...LONG, ...call.deadlines }
    const { repository } = this.settings
    const way = await wayTo(repository, { ...this.settings, verb })
    const facts = { verb, deadlines, repository, way, login: this.settings }
    const whenStuck = (lastWords: string): Error => stuckFailure(lastWords, facts)
    using run = new WatchedRun(this.clock, { idleMs: deadlines.idleMs, whenStuck })
    try {
      return await runProgram({
        ...this.program(call, way),
        timeoutMs: deadlines.totalMs,
        signal: AbortSignal.any([run.stalled, ...(call.signal === undefined ? [] : [call.signal])]),
        onStarted: (process) => {
          run.watch(process)
          onStarted?.(process)
        },
        onStderr: (chunk) => {
          run.hear(chunk)
          onStderr?.(chunk)
        },
        ...(readStdout === undefined ? {} : { readStdout: (chunks) => readStdout(run.counted(chunks)) }),
      })
    } catch (error) {
      if (!(error instanceof ProgramFailure)) throw error
      throw await failureOf(error, { ...facts, ...(call.signal === undefined ? {} : { signal: call.signal }) })
    }
  }

  /** A cache for one check, empty: what a killed one left behind is removed first. */
  async freshCheckCache(): Promise<string> {
    const directory = join(this.settings.cacheDirectory, 'check')
    await makeEmptyFolder(directory, 0o700)
    return directory
  }

  private program(call: ResticCall, way: WayIn) {
    const { flags, operands = [], verb, cacheDirectory = this.settings.cacheDirectory } = call
    const program = [
      this.settings.program ?? 'restic',
      ...way.flags,
      ...['--cache-dir', cacheDirectory],
      ...this.limitFlags(),
      verb,
      ...flags,
      ...(operands.length > 0 ? ['--', ...operands] : []),
    ] as [string, ...string[]]
    const [file, ...args] = this.place?.within(program) ?? program
    return {
      file,
      args,
      environment: { ...this.passwordEnvironment(), ...way.environment, RESTIC_PROGRESS_FPS: '2' },
      expectedExits: call.expectedExits ?? [0],
      stop: { signal: 'SIGINT', graceMs: this.settings.stopGraceMs ?? STOP_GRACE_MS },
      stdoutLimit: STDOUT_LIMIT_BYTES,
      stderrLimit: STDERR_LIMIT_BYTES,
      ...(call.workingDirectory === undefined || this.place !== undefined
        ? {}
        : { workingDirectory: call.workingDirectory }),
    } as const
  }

  private limitFlags(): string[] {
    const { bandwidth } = this.settings
    const limit = (flag: string, value: number | undefined): string[] =>
      value === undefined ? [] : [flag, String(limitSchema.parse(value))]
    return [...limit('--limit-upload', bandwidth?.uploadKiBps), ...limit('--limit-download', bandwidth?.downloadKiBps)]
  }

  private passwordEnvironment(): Record<string, string> {
    const { password } = this.settings
    return 'file' in password
      ? { RESTIC_PASSWORD_FILE: absolutePath.parse(password.file) }
      : { RESTIC_PASSWORD_COMMAND: password.command.map((word) => `'${commandWord.parse(word)}'`).join(' ') }
  }
}
