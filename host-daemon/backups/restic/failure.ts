import { PilothouseError, type ErrorCode } from '../../../src-shared/error.ts'

/** Why restic did not do what was asked. Closed: callers branch on it. */
export type ResticFailureKind =
  | 'repository_missing'
  | 'wrong_password'
  | 'repository_locked'
  | 'no_such_snapshot'
  | 'unreadable_files'
  | 'no_space'
  | 'network_unreachable'
  | 'permission_denied'
  | 'corrupted'
  | 'interrupted'
  | 'timed_out'
  | 'unexpected'

interface Explanation {
  readonly code: ErrorCode
  /** What follows "restic VERB failed: ". */
  readonly says: string
  readonly hint: string
  readonly isRetryable: boolean
}

const EXPLANATIONS: Readonly<Record<ResticFailureKind, Explanation>> = {
  repository_missing: {
    code: 'repository_missing',
    says: 'there is no repository at its location',
    hint: 'Check the location and that its disk is mounted; create the repository only if there never was one.',
    isRetryable: false,
  },
  wrong_password: {
    code: 'wrong_password',
    says: 'no key of the repository fits the password',
    hint: "Check the password file or command, and that the location is this password's repository.",
    isRetryable: false,
  },
  repository_locked: {
    code: 'repository_locked',
    says: 'another restic holds a lock on the repository',
    hint: 'Wait until it is done. A lock whose owner is gone is cleared by rule; look at the locks if it stays.',
    isRetryable: true,
  },
  no_such_snapshot: {
    code: 'no_recovery_point',
    says: 'the recovery point is not in the repository',
    hint: 'List the points again; this one was forgotten, or belongs to another repository.',
    isRetryable: false,
  },
  unreadable_files: {
    code: 'engine_failed',
    says: 'files could not be read, and no recovery point was made',
    hint: 'Check that the home can be read; restic names the files.',
    isRetryable: true,
  },
  no_space: {
    code: 'storage_failed',
    says: 'a disk or quota is full',
    hint: 'Free space where the repository, the cache or the restored files are. Pruning needs some space too.',
    isRetryable: true,
  },
  network_unreachable: {
    code: 'repository_unreachable',
    says: 'the place of the repository cannot be reached',
    hint: 'Check its address, the network and that its server runs.',
    isRetryable: true,
  },
  permission_denied: {
    code: 'repository_unreachable',
    says: 'access was denied',
    hint: 'Let the daemon read and write the repository, its cache and its password; check the login or key.',
    isRetryable: false,
  },
  corrupted: {
    code: 'repository_damaged',
    says: 'data in the repository is damaged',
    hint: 'Check the repository with all data read, keep a copy of it as it is, and repair it before relying on it.',
    isRetryable: false,
  },
  interrupted: {
    code: 'engine_failed',
    says: 'it was ended from outside before it was done',
    hint: 'Run it again; find out who ended it if it happens again.',
    isRetryable: true,
  },
  timed_out: {
    code: 'deadline_exceeded',
    says: 'it was not done in time',
    hint: 'Check that the repository answers; then run it again, or allow more time.',
    isRetryable: true,
  },
  unexpected: {
    code: 'engine_failed',
    says: 'of a reason that is not known here',
    hint: "Read restic's own words in the details.",
    isRetryable: false,
  },
}

export interface ResticFailureFacts {
  readonly verb: string
  /** Instead of the kind's own sentence, where more is known. Ends without a full stop. */
  readonly says?: string
  readonly hint?: string
  readonly exitCode?: number | null
  /** The end of what restic wrote; may name files of the guest, never a password. */
  readonly stderr?: string
  readonly cause?: unknown
}

const MAX_OWN_WORDS = 4096

/** What restic could not do, in a sentence that is true of what it said. */
export class ResticFailure extends PilothouseError {
  readonly kind: ResticFailureKind
  readonly exitCode: number | null

  constructor(kind: ResticFailureKind, facts: ResticFailureFacts) {
    const { code, says, hint, isRetryable } = EXPLANATIONS[kind]
    super(code, `restic ${facts.verb} failed: ${facts.says ?? says}.`, {
      hint: facts.hint ?? hint,
      retryable: isRetryable,
      details: {
        program: 'restic',
        verb: facts.verb,
        kind,
        exitCode: facts.exitCode ?? null,
        stderr: (facts.stderr ?? '').slice(-MAX_OWN_WORDS),
      },
      cause: facts.cause,
    })
    this.name = 'ResticFailure'
    this.kind = kind
    this.exitCode = facts.exitCode ?? null
  }
}
