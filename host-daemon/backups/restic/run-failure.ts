import type { RepositoryLocation } from '../../../src-shared/model/repository.ts'
import type { ProgramFailure } from '../../system/program-failure.ts'
import { withoutSecret, type WayIn } from './access.ts'
import { classify, type Classification } from './classify.ts'
import { ResticFailure, type ResticFailureKind } from './failure.ts'
import { reachHint } from './reach-hint.ts'
import type { SftpLogin } from './sftp-command.ts'
import { missedWordsOfSsh } from './ssh-words.ts'

/** What is known of a run when it fails. */
export interface RunFacts {
  readonly verb: string
  readonly repository: RepositoryLocation
  readonly way: WayIn
  readonly login: SftpLogin
  readonly deadlines: { readonly idleMs: number; readonly totalMs: number }
}

/**
 * What a run amounts to that ended otherwise than expected. Repeats no secret of the way in, whoever said it. Rejects
 * with the signal's reason when aborted.
 */
export async function failureOf(failure: ProgramFailure, run: RunFacts & Signalled): Promise<ResticFailure> {
  const { verb } = run
  const facts = { verb, exitCode: failure.exitCode, ...told(failure, run.way) }
  if (failure.kind === 'timed_out') return lateFailure(facts, run)
  if (failure.kind === 'killed') return new ResticFailure('interrupted', facts)
  if (failure.kind === 'not_started') return new ResticFailure('unexpected', { ...facts, ...NOT_STARTED })
  if (failure.kind === 'output_too_large')
    return new ResticFailure('unexpected', { ...facts, says: 'it wrote more than is taken from it' })
  if (NOT_ENTERED.test(failure.stderr)) return new ResticFailure('unexpected', { ...facts, says: SAYS_NOT_ENTERED })
  const missed = await missedWordsOfSsh({ ...run, stderr: failure.stderr })
  const { kind, ...words } = classify(failure.exitCode, missed + failure.stderr)
  return new ResticFailure(kind, { ...facts, stderr: missed + facts.stderr, ...hintOf(kind, run), ...words })
}

interface Signalled {
  readonly signal?: AbortSignal
}

function hintOf(kind: ResticFailureKind, { repository, login }: RunFacts): { readonly hint?: string } {
  const hint = reachHint(kind, { repository, login })
  return hint === undefined ? {} : { hint }
}

/**
 * What a run amounts to that was stopped because it did not get on. restic tries again for a long time where its server
 * went away, or data of the repository did: by its last words that is told from a run that is stuck for another reason.
 */
export function stuckFailure(words: string, run: RunFacts): ResticFailure {
  const { verb, way, deadlines } = run
  const stderr = withoutSecret(words, way)
  const time = `${Math.round(deadlines.idleMs / 1000)} s`
  const last = lastLine(words)
  if (last.kind === 'network_unreachable')
    return unanswered({ verb, stderr, says: `its server went away, and was not back within ${time}` }, run)
  if (last.kind === 'corrupted') return new ResticFailure('corrupted', { verb, stderr, ...last })
  return new ResticFailure('timed_out', { verb, stderr, says: `it made no progress for ${time} and was stopped` })
}

interface Facts {
  readonly verb: string
  readonly stderr: string
  readonly cause?: unknown
}

function lateFailure(facts: Facts, run: RunFacts): ResticFailure {
  const time = `${Math.round(run.deadlines.totalMs / 1000)} s`
  if (lastLine(facts.stderr).kind === 'network_unreachable')
    return unanswered({ ...facts, says: `its server went away, and it was not done within ${time}` }, run)
  return new ResticFailure('timed_out', { ...facts, says: `it was not done within ${time} and was stopped` })
}

function unanswered(facts: Facts & { readonly says: string }, run: RunFacts): ResticFailure {
  return new ResticFailure('network_unreachable', { ...facts, ...hintOf('network_unreachable', run) })
}

/** What it complained of before that may have gone well at the second try. */
function lastLine(stderr: string): Classification {
  return classify(null, stderr.trimEnd().split('\n').at(-1) ?? '')
}

/** The cause says again what the program wrote, so that it goes where that holds a secret. */
function told(failure: ProgramFailure, way: WayIn): { readonly stderr: string; readonly cause?: ProgramFailure } {
  const stderr = withoutSecret(failure.stderr, way)
  return stderr === failure.stderr ? { stderr, cause: failure } : { stderr }
}

const NOT_STARTED = { says: 'it could not be started', hint: 'Install restic 0.14 or newer on the host.' }
/** What starts a program in a place says so before restic has said a word. */
const NOT_ENTERED = /^(?:nsenter|env): /
const SAYS_NOT_ENTERED = 'it could not be started in the tree'
