import { PilothouseError } from '../../src-shared/error.ts'

export type ProgramFailureKind = 'not_started' | 'unexpected_exit' | 'killed' | 'timed_out' | 'output_too_large'

/** The facts of a program that did not do what was asked. */
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
      `${facts.file} ${facts.says}${lastLine === '' ? '' : `: ${lastLine}`}`,
      {
        details: { program: facts.file, kind, exitCode: facts.exitCode ?? null, stderr },
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
