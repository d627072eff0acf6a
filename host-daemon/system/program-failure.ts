import { PilothouseError } from '../../src-shared/error.ts'
import { shownWords } from '../../src-shared/lib/foreign-words.ts'

const SAID_CHARACTERS = 500
const KEPT_CHARACTERS = 4_096

export type ProgramFailureKind = 'not_started' | 'unexpected_exit' | 'killed' | 'timed_out' | 'output_too_large'

/**
 * The facts of a program that did not do what was asked. `stderr` is as it was written, for whoever reads sense into it;
 * what the message and the details quote of it is cut and made visible.
 */
export class ProgramFailure extends PilothouseError {
  readonly kind: ProgramFailureKind
  readonly file: string
  readonly exitCode: number | null
  readonly stderr: string

  constructor(
    kind: ProgramFailureKind,
    facts: { file: string; says: string; exitCode?: number | null; stderr?: string; cause?: unknown },
  ) {
    const stderr = facts.stderr ?? ''
    const lastLine = stderr.trim().split('\n').at(-1) ?? ''
    super(
      kind === 'timed_out' ? 'deadline_exceeded' : 'engine_failed',
      `${facts.file} ${facts.says}${lastLine === '' ? '' : `: ${shownWords(lastLine, SAID_CHARACTERS)}`}`,
      {
        details: {
          program: facts.file,
          kind,
          exitCode: facts.exitCode ?? null,
          stderr: stderr.slice(-KEPT_CHARACTERS),
        },
        cause: facts.cause,
      },
    )
    this.name = 'ProgramFailure'
    this.kind = kind
    this.file = facts.file
    this.exitCode = facts.exitCode ?? null
    this.stderr = stderr
  }
}
