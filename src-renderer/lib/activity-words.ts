import { shownLines } from '../../src-shared/lib/foreign-words.ts'
import type { ActivityEntry } from '../../src-shared/model/activity.ts'
import { OPERATION_PROMISES, type OperationKind } from '../../src-shared/model/operation.ts'
import { actorText, OPERATION_WORDS } from './operation-words.ts'
import type { Shown } from './tone.ts'

/** The record in words. Actions and outcomes are open sets: what is not known here is still said, plainly. */

type Facts = ActivityEntry['detail']

/** A fact of the record as text, what would act on the reader written out; empty where it is absent or is no text. */
export function factText(detail: Facts, key: string): string {
  const value = detail[key]
  return typeof value === 'string' ? shownLines(value, Number.POSITIVE_INFINITY) : ''
}

/** `alice`, `alice (claimed op@desk-1)`, or the daemon itself. */
export function whoText({ actor }: ActivityEntry): string {
  return actor === null ? 'the daemon' : actorText(actor)
}

function plainWords(name: string): string {
  return name.replaceAll(/[._-]+/g, ' ').trim()
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}

/** `: the reason`, or nothing; ends with exactly one full stop. */
function because(reason: string): string {
  return reason === '' ? '.' : `: ${reason.replace(/\.+$/, '')}.`
}

const SUCCEEDED: Record<OperationKind, string> = {
  spawn: 'it is ready, with an empty home',
  start: 'it is running',
  stop: 'it is stopped; its home is kept',
  reboot: 'it is running again, with its home',
  recover: 'it is back, with its home',
  reset: 'the old home was destroyed and it started fresh',
  restore: 'it has the home of the recovery point; the one before is kept for undo',
  undo_restore: 'it has its home from before the restore again',
  drop_undo: 'the kept home is gone, and its space is free',
  clone: 'it was made, with an identity of its own',
  restore_files: 'the files are in their folder on the host; the home was not touched',
  backup: 'there is a new recovery point',
  prune: 'what retention does not keep was forgotten',
  check: 'the repository was checked',
  drill: 'the recovery point is proven',
  resize: 'it has its new size',
  destroy: 'the guest and its home are gone',
}

/** What an operation's end or turn reads like, after `Reset of billing-worker`. */
const TURNS: Record<string, (reason: string, step: string) => string> = {
  requested: () => ' was asked for.',
  accepted: () => ' was accepted.',
  failed: (reason) => ` failed${because(reason)}`,
  failed_and_not_rolled_back: (reason) => ` failed, and what it had done could not be undone${because(reason)}`,
  rollback_failed: (reason) => ` failed, and so did its undoing${because(reason)}`,
  given_up: (_reason, step) => `: the daemon was interrupted too often${step}; nothing is undone.`,
  cancelled: () => ' was cancelled; what it had done was undone.',
  refused: (reason) => ` was refused${because(reason)}`,
  interrupted: (_reason, step) => `: the daemon was interrupted${step}.`,
  resumed: (_reason, step) => `: the daemon was interrupted${step}, and goes on with it.`,
  rolling_back: (_reason, step) => `: the daemon was interrupted${step}, and undoes what was done.`,
  rolled_back: (reason) => ` was undone${because(reason)}`,
  stopped_home_gone: () => ' stopped because its home is gone. Nothing was started fresh.',
  destroyed_old_home: () => ': the old home was destroyed.',
  continued_without_guest: () => ': there was no guest to stop; it went on.',
  swapped_home: () => ': the home was replaced; the one before is set aside.',
  swapped_back: () => ': the earlier home was put back.',
  kept_for_review: () => ': every home that was set aside is kept for review, until somebody gives it up.',
  dropped_undo: () => ': the kept home was removed.',
  proved: () => ': the recovery point is proven.',
  disproved: () => ': the recovery point did not pass; do not rely on it.',
  promoted: () => ': the proven guest was kept as an environment of its own.',
}

function isOperationKind(action: string): action is OperationKind {
  return Object.hasOwn(OPERATION_PROMISES, action)
}

function stepOf(detail: Facts): string {
  const step = factText(detail, 'step')
  return step === '' ? '' : ` at “${plainWords(step)}”`
}

function operationSentence(kind: OperationKind, entry: ActivityEntry): string {
  const { outcome, detail } = entry
  const subject = `${OPERATION_WORDS[kind]}${ofName(entry)}`
  if (outcome === 'succeeded') return `${subject}: ${SUCCEEDED[kind]}.`
  const isHomeGone = kind === 'recover' && outcome === 'failed' && factText(detail, 'code') === 'home_gone'
  const turn = TURNS[isHomeGone ? 'stopped_home_gone' : outcome]
  if (turn !== undefined) return subject + turn(factText(detail, 'message'), stepOf(detail))
  return `${subject}: ${plainWords(outcome)}${because(factText(detail, 'message'))}`
}

/** Of what was never made, the name that was asked for. */
function ofName({ environmentName, environmentId, detail }: ActivityEntry): string {
  const name = environmentName ?? environmentId ?? factText(detail, 'name')
  return name === '' ? '' : ` of ${name}`
}

function nameOr(entry: ActivityEntry, otherwise: string): string {
  return entry.environmentName ?? entry.environmentId ?? otherwise
}

function limitText(limit: unknown): string {
  if (limit === 'unlimited') return 'any number of environments'
  return typeof limit === 'number' ? `at most ${limit} environment${limit === 1 ? '' : 's'}` : ''
}

function ownerSentence({ detail }: ActivityEntry): string {
  const { isActive, limit } = detail
  const activity = isActive === true ? 'active' : isActive === false ? 'not active' : ''
  const parts = [activity, limitText(limit)].filter((part) => part !== '')
  return `Owner ${factText(detail, 'name') || '(unnamed)'} was set${parts.length === 0 ? '' : `: ${parts.join(', ')}`}.`
}

function adoptSentence(entry: ActivityEntry): string {
  const { outcome, detail } = entry
  const subject = `Taking the recovery points${ofName(entry)} on record`
  if (outcome === 'succeeded') return `${subject}: ${Number(detail['taken'])} taken.`
  return outcome === 'failed' ? `${subject} failed${because(factText(detail, 'message'))}` : `${subject} was asked for.`
}

function typingSentence(entry: ActivityEntry): string {
  const { from } = entry.detail
  const other =
    typeof from === 'object' && from !== null && 'user' in from && typeof from.user === 'string' ? from.user : ''
  const name = nameOr(entry, 'a guest')
  if (entry.outcome === 'taken_over') return `The keyboard of ${name} was taken over${other && ` from ${other}`}.`
  return `The keyboard of ${name} was ${entry.outcome === 'released' ? 'given back' : 'taken'}.`
}

function freshnessSentence(entry: ActivityEntry): string {
  const from = plainWords(factText(entry.detail, 'from'))
  const sentence = factText(entry.detail, 'sentence')
  const change = `${from === '' ? '' : `from ${from} `}to ${plainWords(entry.outcome)}`
  return `The freshness of the backups${ofName(entry)} went ${change}${because(sentence)}`
}

function gaveWaySentence(entry: ActivityEntry): string {
  const kind = factText(entry.detail, 'kind')
  const to = isOperationKind(kind) ? OPERATION_WORDS[kind].toLowerCase() : plainWords(kind) || 'another operation'
  return `An operation on ${nameOr(entry, 'an environment')} gave way to ${to}.`
}

const SENTENCES: Record<string, (entry: ActivityEntry) => string> = {
  'owner.put': ownerSentence,
  'console.typing': typingSentence,
  give_way: gaveWaySentence,
  operation: (entry) =>
    `An operation on ${nameOr(entry, 'an environment')} was abandoned${because(factText(entry.detail, 'problem'))}`,
  cancel: (entry) => `An operation on ${nameOr(entry, 'an environment')} was asked to stop and undo what it did.`,
  'protection.set': (entry) =>
    `Deletion protection${ofName(entry)} was switched ${entry.detail['isProtected'] === true ? 'on' : 'off'}.`,
  'guest.gone': (entry) => {
    const what = entry.outcome === 'lost' ? 'is gone without having been asked to stop' : 'has ended'
    return `The guest${ofName(entry)} ${what}${because(factText(entry.detail, 'detail'))}`
  },
  'home.gone': (entry) => `The home${ofName(entry)} is gone.`,
  'home.found': (entry) => `The home${ofName(entry)} is there again.`,
  'environment.rename': ({ detail }) =>
    `${factText(detail, 'from') || 'An environment'} was renamed to ${factText(detail, 'to') || 'another name'}.`,
  'environment.label': (entry) => `The labels${ofName(entry)} were replaced.`,
  'backup.policy': (entry) => `The backup policy${ofName(entry)} was set.`,
  'backup.freshness': freshnessSentence,
  'point.recorded': (entry) => `A recovery point${ofName(entry)} was recorded.`,
  'point.adopted': (entry) => `A recovery point${ofName(entry)} was taken on record from its repository.`,
  'backup.adopt': adoptSentence,
  'point.forgotten': (entry) =>
    entry.outcome === 'noticed'
      ? `A recovery point${ofName(entry)} was found to be no longer in the repository.`
      : `Recovery points${ofName(entry)} were forgotten, by retention.`,
  'undo.held_back': (entry) =>
    `The home${ofName(entry)} that is kept for undo stays for now: the host's clock may have been set forward.`,
  'drift.found': () => 'Leftovers were found on the host that its record does not account for; nothing was touched.',
  'drift.plan': () => 'A plan to clean leftovers up was made; nothing was touched.',
  'drift.clean_up': ({ outcome, detail }) =>
    outcome === 'removed'
      ? `The leftover ${factText(detail, 'item')} was removed.`
      : 'A clean-up of leftovers was asked for.',
  'readiness.regained': (entry) => `The service in ${nameOr(entry, 'a guest')} answers again.`,
  'readiness.lost': (entry) =>
    `The service in ${nameOr(entry, 'a guest')} stopped answering${because(factText(entry.detail, 'detail'))}`,
}

/** One plain sentence: what was done, to what, with which result. */
export function activitySentence(entry: ActivityEntry): string {
  const { action, outcome, detail } = entry
  const said = SENTENCES[action]
  if (said !== undefined && outcome !== 'refused' && outcome !== 'failed') return said(entry)
  if (isOperationKind(action)) return operationSentence(action, entry)
  const planned = action.replace(/\.plan$/, '')
  if (outcome === 'planned' && planned !== action) {
    const kind = isOperationKind(planned) ? OPERATION_WORDS[planned].toLowerCase() : plainWords(planned)
    return `A plan to ${kind} ${nameOr(entry, 'leftovers')} was made; nothing was touched.`
  }
  const reason = factText(detail, 'message') || factText(detail, 'problem') || factText(detail, 'detail')
  if (action === 'drift.clean_up' && factText(detail, 'item') !== '')
    return `The leftover ${factText(detail, 'item')} was kept${because(reason)}`
  return `${capital(plainWords(action))}${ofName(entry)}: ${plainWords(outcome)}${because(reason)}`
}

const GOOD: Shown = { word: '', tone: 'ok', icon: 'i-lucide-check', note: '', sentence: '' }
const BAD: Shown = { ...GOOD, tone: 'bad', icon: 'i-lucide-triangle-alert' }
const WARN: Shown = { ...GOOD, tone: 'warn', icon: 'i-lucide-circle-alert' }
const NOTED: Shown = { ...GOOD, tone: 'idle', icon: 'i-lucide-circle-dot' }

const OUTCOMES: Record<string, Shown> = {
  succeeded: { ...GOOD, word: 'Done' },
  ready: { ...GOOD, word: 'Ready' },
  failed: { ...BAD, word: 'Failed' },
  failed_and_not_rolled_back: { ...BAD, word: 'Failed, not undone' },
  rollback_failed: { ...BAD, word: 'Undoing failed' },
  given_up: { ...BAD, word: 'Given up' },
  stopped_home_gone: { ...BAD, word: 'Home gone' },
  destroyed_old_home: { ...NOTED, word: 'Old home gone' },
  continued_without_guest: { ...NOTED, word: 'Went on' },
  swapped_home: { ...NOTED, word: 'Replaced' },
  swapped_back: { ...NOTED, word: 'Put back' },
  kept_for_review: { ...BAD, word: 'Kept for review' },
  dropped_undo: { ...NOTED, word: 'Undo removed' },
  proved: { ...GOOD, word: 'Proven', icon: 'i-lucide-shield-check' },
  disproved: { ...BAD, word: 'Not proven', icon: 'i-lucide-shield-x' },
  promoted: { ...GOOD, word: 'Kept' },
  healthy: { ...GOOD, word: 'Healthy' },
  stale: { ...WARN, word: 'Stale' },
  missing: { ...BAD, word: 'Missing' },
  unavailable: { ...BAD, word: 'Unavailable' },
  noticed: { ...NOTED, word: 'Noticed', icon: 'i-lucide-eye' },
  removed: { ...GOOD, word: 'Removed' },
  stopped: { ...NOTED, word: 'Ended' },
  lost: { ...BAD, word: 'Lost' },
  refused: { ...WARN, word: 'Refused', icon: 'i-lucide-shield-x' },
  interrupted: { ...WARN, word: 'Interrupted' },
  abandoned: { ...BAD, word: 'Abandoned' },
  resumed: { ...WARN, word: 'Resumed', icon: 'i-lucide-rotate-ccw' },
  rolling_back: { ...WARN, word: 'Undoing', icon: 'i-lucide-undo-2' },
  rolled_back: { ...WARN, word: 'Undone', icon: 'i-lucide-undo-2' },
  cancelled: { ...NOTED, word: 'Cancelled', icon: 'i-lucide-ban' },
  requested: { ...NOTED, word: 'Asked for' },
  accepted: { ...NOTED, word: 'Accepted' },
  planned: { ...NOTED, word: 'Planned', icon: 'i-lucide-file-text' },
}

/** What the daemon noticed, where the action says more than that it was noticed. */
const NOTICED: Record<string, Shown> = {
  'readiness.lost': { ...BAD, word: 'Not ready' },
  'home.gone': { ...BAD, word: 'Home gone' },
  'home.found': { ...GOOD, word: 'Home found' },
  'readiness.regained': { ...GOOD, word: 'Ready again' },
}

/** An outcome in icon, word and colour; one that is not known is neither good nor bad. */
export function outcomeShown(entry: ActivityEntry): Shown {
  const known = NOTICED[entry.action] ??
    OUTCOMES[entry.outcome] ?? { ...NOTED, word: capital(plainWords(entry.outcome)) }
  return { ...known, sentence: activitySentence(entry) }
}

export interface WordedChoice {
  readonly value: string
  readonly label: string
}

/** The outcomes that the filter offers. */
export const OUTCOME_CHOICES: readonly WordedChoice[] = Object.entries(OUTCOMES)
  .filter(([value]) => value !== 'ready')
  .map(([value, { word }]) => ({ value, label: word }))

/** The kinds of action that the filter offers; each stands for itself and for everything after its dot. */
export const ACTION_CHOICES: readonly WordedChoice[] = [
  ...Object.entries(OPERATION_WORDS).map(([value, label]) => ({ value, label })),
  { value: 'point', label: 'Recovery points' },
  { value: 'owner', label: 'Owners' },
  { value: 'environment', label: 'Names and labels' },
  { value: 'protection', label: 'Deletion protection' },
  { value: 'console', label: 'Consoles' },
  { value: 'guest', label: 'Guests gone' },
  { value: 'home', label: 'Homes gone and found' },
  { value: 'readiness', label: 'Readiness' },
  { value: 'drift', label: 'Leftovers' },
  { value: 'cancel', label: 'Cancels' },
  { value: 'give_way', label: 'Gave way' },
  { value: 'operation', label: 'Abandoned operations' },
]
