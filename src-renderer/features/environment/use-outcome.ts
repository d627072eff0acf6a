import { computed, type ComputedRef } from 'vue'
import type { Failure } from '../../../src-shared/error.ts'
import type { Environment, Phase } from '../../../src-shared/model/environment.ts'
import type { Operation, OperationKind } from '../../../src-shared/model/operation.ts'
import { ENVIRONMENT_ACTIONS, type EnvironmentAction } from '../../lib/action-rules.ts'
import type { EnvironmentRow } from '../../lib/environment-list.ts'
import { PHASE_WORDS } from '../../lib/environment-state.ts'
import { durationText, mebibytesText } from '../../lib/format.ts'
import { OPERATION_WORDS } from '../../lib/operation-words.ts'
import type { EnvironmentView } from '../../stores/environment-view.ts'
import type { Submitted } from '../../stores/submitted.ts'
import type { Startup } from './use-startup.ts'

/** What to press next: an action of the environment, or something about the command that was given. */
export type NextStep =
  | { readonly kind: 'act'; readonly action: EnvironmentAction; readonly label: string }
  /** The very same command, which the host runs at most once. */
  | { readonly kind: 'ask-again' }
  /** The same values as a new command. */
  | { readonly kind: 'spawn-again' }
  | { readonly kind: 'correct' }

/** What went wrong, what was kept, and what to do next. */
export interface Outcome {
  /** Tells one outcome from the next. */
  readonly key: string
  readonly title: string
  readonly failure: Pick<Failure, 'code' | 'message' | 'hint' | 'requestId'>
  readonly kept: string
  /** The first is what helps most. */
  readonly next: readonly NextStep[]
}

interface OutcomeSource {
  row(): EnvironmentRow | undefined
  readonly view: EnvironmentView
  readonly startup: Startup
}

/** What became of the home, as far as the host has said. */
export function keptSentence(environment: Environment | undefined): string {
  if (environment === undefined) return 'The host lists nothing of it: no home was kept.'
  const { home } = environment
  if (home.goneAt !== null) return 'Its home is gone. Everything else of it is kept.'
  if (home.madeAt === null) return 'No home had been made yet, so that nothing is lost.'
  return `Its home of ${mebibytesText(home.sizeMiB)} is kept.`
}

/** What brings it back. A home that is gone is never replaced by a press of this kind. */
function wayBack(environment: Environment): NextStep[] {
  const { home, quarantine } = environment
  if (quarantine !== null) return []
  if (home.goneAt !== null) {
    return [
      { kind: 'act', action: 'recover', label: 'Recover…' },
      { kind: 'act', action: 'reset', label: 'Reset…' },
    ]
  }
  if (home.madeAt === null) return [{ kind: 'act', action: 'start', label: 'Try again' }]
  return [{ kind: 'act', action: 'recover', label: 'Recover, keeping the home' }]
}

function isEnvironmentAction(kind: OperationKind): kind is OperationKind & EnvironmentAction {
  const actions: readonly string[] = ENVIRONMENT_ACTIONS
  return actions.includes(kind)
}

function isDown(environment: Environment): boolean {
  return environment.observed.kind === 'failed' || environment.observed.kind === 'lost'
}

function unanswered(entry: Submitted, failure: Failure): Outcome {
  const kept = 'The host may have accepted it. Asking again cannot do it twice.'
  const title = `${OPERATION_WORDS[entry.kind]}: no answer came`
  return { key: entry.requestId, title, failure, kept, next: [{ kind: 'ask-again' }] }
}

/** The host refused a command of this window: nothing came of it. */
function refused(entry: Submitted, failure: Failure): Outcome {
  const title = entry.spawn === null ? `${OPERATION_WORDS[entry.kind]} was not accepted` : 'It was not accepted'
  const kept = entry.spawn === null ? 'Nothing was changed.' : 'Nothing was made.'
  const correctFirst: NextStep[] = [{ kind: 'correct' }, { kind: 'spawn-again' }]
  const again: NextStep[] = isEnvironmentAction(entry.kind)
    ? [{ kind: 'act', action: entry.kind, label: 'Try again' }]
    : []
  const next = entry.spawn === null ? again : failure.retryable ? correctFirst.reverse() : correctFirst
  return { key: entry.requestId, title, failure, kept, next }
}

function failedTitle({ kind, requestedAt, status }: Operation, phase: Phase | null): string {
  const after = status.kind === 'running' ? '' : ` after ${durationText(status.endedAt - requestedAt)}`
  const at = phase === null ? '' : ` at “${PHASE_WORDS[phase]}”`
  return `${OPERATION_WORDS[kind]} failed${after}${at}`
}

/** An operation that ended badly. */
function failed(operation: Operation, failure: Failure, source: OutcomeSource): Outcome {
  const environment = source.row()?.environment
  const { kind, requestId } = operation
  const phase = environment?.observed.kind === 'failed' ? environment.observed.phase : operation.phase
  const back = environment !== undefined && isDown(environment) ? `${backSentence(environment)} ` : ''
  const canSpawnAgain =
    environment === undefined && kind === 'spawn' && (source.startup.submitted.value?.spawn ?? null) !== null
  const again: NextStep[] = canSpawnAgain ? [{ kind: 'spawn-again' }, { kind: 'correct' }] : []
  const retry: NextStep[] = isEnvironmentAction(kind) ? [{ kind: 'act', action: kind, label: 'Try again' }] : []
  return {
    key: operation.id,
    title: failedTitle(operation, phase),
    failure: { ...failure, requestId, hint: back + failure.hint },
    kept: keptSentence(environment),
    next: environment === undefined ? again : isDown(environment) ? wayBack(environment) : retry,
  }
}

/** What brings it back, in a sentence. */
function backSentence({ home, quarantine }: Environment): string {
  if (quarantine !== null) return 'Nothing but destroying it is safe.'
  if (home.goneAt !== null) return 'Recover looks for its home once more; reset starts fresh, with an empty one.'
  return home.madeAt === null ? 'Try again: nothing of it was used yet.' : 'Recover brings it back with its home.'
}

function fallenSentence({ observed }: Environment, shown: string): string {
  return observed.kind === 'lost' && observed.detail !== '' ? observed.detail : shown
}

/** The guest went wrong by itself, whatever was asked for before. */
function fallen(environment: Environment, sentence: string): Outcome {
  const { kind, since } = environment.observed
  const title = kind === 'lost' ? 'The guest is gone, and nobody stopped it' : 'The guest has failed'
  const failure = { code: 'guest_gone' as const, message: sentence, hint: backSentence(environment), requestId: '' }
  return {
    key: `${environment.id}/${since}`,
    title,
    failure,
    kept: keptSentence(environment),
    next: wayBack(environment),
  }
}

/** Their refusals are told by the dialog that asked. */
const SAID_BY_DIALOGS: ReadonlySet<OperationKind> = new Set([
  ...(['resize', 'reset', 'destroy', 'restore', 'undo_restore', 'drop_undo', 'clone'] as const),
])

function ofCommand(entry: Submitted | undefined, row: EnvironmentRow | undefined): Outcome | null {
  const failure = entry?.failure ?? null
  if (entry === undefined || failure === null || (entry.isLeft && row !== undefined)) return null
  // A dialog that is still open has said it already.
  if (SAID_BY_DIALOGS.has(entry.kind)) return null
  if (entry.answer === 'unsure') return unanswered(entry, failure)
  return entry.answer === 'refused' ? refused(entry, failure) : null
}

/** Whether a failed operation still says how things are: its environment has not come back without it since. */
function isCurrent({ endedAt }: { endedAt: number }, environment: Environment | undefined): boolean {
  if (environment === undefined || isDown(environment)) return true
  return environment.observed.kind !== 'running' || environment.observed.since < endedAt
}

/** What the page has to say of a failure now; null where there is none, or something is going on. */
export function useOutcome(source: OutcomeSource): ComputedRef<Outcome | null> {
  const { startup, view } = source
  return computed(() => {
    const environment = source.row()?.environment
    const operation = startup.operation.value
    if (startup.submitted.value?.answer === 'sending' || operation?.status.kind === 'running') return null
    const command = ofCommand(startup.submitted.value, source.row())
    if (command !== null) return command
    if (operation?.status.kind === 'failed' && isCurrent(operation.status, environment))
      return failed(operation, operation.status.failure, source)
    const isFallen = environment !== undefined && environment.quarantine === null && isDown(environment)
    return isFallen ? fallen(environment, fallenSentence(environment, view.shown.value?.sentence ?? '')) : null
  })
}
