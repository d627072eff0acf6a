import { bytesText } from '../../src-shared/lib/bytes-text.ts'
import { spanOf } from '../../src-shared/model/backup.ts'
import { OPERATION_PROMISES } from '../../src-shared/model/operation.ts'
import type { RestoreLoss, RestorePlan } from '../../src-shared/model/restore.ts'
import type { EnvironmentDeadlines } from '../environments/toolkit.ts'
import { bytesOf, needsNameFor, type HomeFinding } from '../environments/plan-home.ts'
import { timeOf } from '../environments/plan-words.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import { toWirePoint, type StoredPoint } from '../store/points-table.ts'
import type { PlanFacts } from '../store/tickets-table.ts'
import { lossSentences, newerSentences, pointSentences } from './restore-words.ts'
import { keptSentence } from './swap-words.ts'

/** What was found for a plan. */
export interface RestoreFindings {
  readonly environment: StoredEnvironment
  readonly point: StoredPoint
  /** Of the environment's points that are there as far as is known; null where its record is malformed. */
  readonly newest: StoredPoint | null
  readonly home: HomeFinding
  readonly loss: RestoreLoss
  readonly kept: KeptHome | undefined
  readonly isStopNow: boolean
  readonly diskNeededBytes: number
  readonly diskFreeBytes: number
  readonly now: number
}

export interface RestoreSurroundings {
  readonly hostName: string
  readonly deadlines: EnvironmentDeadlines
  readonly undoMs: number
  readonly facts: PlanFacts
}

/** The plan of a restore, with the text that is shown, logged and recorded. */
export function restorePlan(found: RestoreFindings, around: RestoreSurroundings): RestorePlan {
  const { environment, point, home, loss, kept, isStopNow, diskNeededBytes, diskFreeBytes, now } = found
  const { id, name, generation } = environment
  const undoUntil = home.kind === 'absent' ? null : now + around.undoMs
  const losses = lossesOf(found)
  const keeps = keepsOf(found, undoUntil)
  const ofPoint = [...pointSentences(point), ...newerSentences(found)]
  const text = [opening(found, around), ...ofPoint, ...losses, ...keeps, ...course(found, around)].join('\n')
  const needsName = needsNameFor(environment, home)
  const hash = hashOf({ kind: 'restore', environmentId: id, facts: around.facts, text, needsName })
  return {
    kind: 'restore',
    environmentId: id,
    environmentName: name,
    generation,
    text,
    losses,
    keeps,
    homeBytes: bytesOf(home),
    needsName,
    hash,
    point: toWirePoint(point),
    ageMs: now - point.takenAt,
    loss,
    isStopNow,
    diskNeededBytes,
    diskFreeBytes,
    undoUntil,
    dropsUndo: kept !== undefined,
  }
}

function opening({ environment, point, now }: RestoreFindings, { hostName }: RestoreSurroundings): string {
  const { id, name, owner } = environment
  const ageMs = now - point.takenAt
  const age = ageMs < 0 ? "ahead of this host's clock" : `${spanOf(ageMs)} old`
  const what = `the recovery point ${point.id} of ${timeOf(point.takenAt)}, which is ${age}`
  return `Restore ${name} (${id}) of owner ${owner} on host ${hostName}: replaces its home with ${what}.`
}

function lossesOf({ point, loss, kept }: RestoreFindings): string[] {
  const dropped = kept === undefined ? [] : [droppedSentence(kept)]
  return [...lossSentences(point, loss), ...dropped]
}

/** One is kept per environment. */
function droppedSentence({ homeId, until }: KeptHome): string {
  const offer = until === null ? '' : ` until ${timeOf(until)}`
  return `The home ${homeId}, which is kept for an earlier undo${offer}, is removed in the last step: one is kept at a time.`
}

function keepsOf({ environment, home }: RestoreFindings, undoUntil: number | null): string[] {
  const { startup, isProtected, home: present } = environment
  const told = startup === null ? '' : ', its start-up command, variables and files'
  const undo =
    undoUntil === null
      ? 'Its home is gone, so that nothing is replaced and there will be nothing to undo to.'
      : keptSentence({ homeId: present.id, bytes: bytesOf(home), until: undoUntil })
  const covered = 'Deletion protection does not cover a restore: the replaced home is kept.'
  return [
    undo,
    ...(isProtected ? [covered] : []),
    `Its name, id, owner, image, size and labels are kept${told}.`,
    'All recovery points and the record of what was done are kept.',
  ]
}

function course(found: RestoreFindings, around: RestoreSurroundings): string[] {
  return [
    guestFate(found),
    downtime(found, around.deadlines),
    'Until the guest is ready on the restored home, any failure brings the present home back, and the guest is as it was.',
    `The restored home needs up to ${bytesText(found.diskNeededBytes)} of disk beside the present one; ${bytesText(found.diskFreeBytes)} are free.`,
    ...DIFFERENCES,
  ]
}

function guestFate({ environment: { observed }, isStopNow }: RestoreFindings): string {
  const isDown = observed.kind === 'stopped' || observed.kind === 'lost'
  if (isDown) return 'The guest is not running; it is started on the restored home.'
  const when = isStopNow ? 'at once, before anything else' : 'only once the restored home has been verified'
  const rest = isStopNow ? '' : '; until then it runs on'
  if (observed.kind === 'running') return `The guest is running; it is stopped ${when}${rest}.`
  if (observed.kind === 'failed') return `The guest has failed; whatever is left of it is ended ${when}.`
  return `Whether the guest runs is not known now; if it does, it is stopped ${when}.`
}

function downtime({ isStopNow }: RestoreFindings, deadlines: EnvironmentDeadlines): string {
  const { startMs, stopGraceMs, stopForceMs } = deadlines
  const most = Math.ceil((startMs + stopGraceMs + stopForceMs) / 1000)
  const whole = isStopNow ? 'as long as the restore takes, and then ' : ''
  return `It is down for ${whole}one stop, the swap and one boot: at most ${most} s before that is given up.`
}

/** How the three ways back differ, a line each. */
const DIFFERENCES = [
  `Recover: ${OPERATION_PROMISES.recover}`,
  `Restore: ${OPERATION_PROMISES.restore}`,
  `Reset: ${OPERATION_PROMISES.reset}`,
]
