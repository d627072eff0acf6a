import { bytesText } from '../../src-shared/lib/bytes-text.ts'
import type { Consistency } from '../../src-shared/model/operation-result.ts'
import type { ChangeCounts } from '../../src-shared/model/recovery-point.ts'
import { doubtsOfPoint } from '../../src-shared/model/point-doubts.ts'
import type { RestoreLoss } from '../../src-shared/model/restore.ts'
import { timeOf } from '../environments/plan-words.ts'
import type { StoredPoint } from '../store/points-table.ts'

const CONSISTENCIES: Readonly<Record<Consistency, string>> = {
  quiesced: 'Its file system was at rest at that moment.',
  journal_replayed: 'Its file system was in use at that moment, and its journal was replayed: as after a power cut.',
  neither: 'Its file system was damaged beyond what a replay of its journal mends.',
}

const UNREADABLE_NEWEST =
  'The record of the newest recovery point is malformed and cannot be read: that point is not this one, and may be newer.'

/** What the point is, and how far it is proven, a sentence each. */
export function pointSentences(point: StoredPoint): string[] {
  const { entries, bytes, hostName, homeId, consistency, unreadableCount } = point
  const missing =
    unreadableCount === null
      ? 'It was taken on record from its repository: whether files could not be read when it was made is not known.'
      : `${unreadableCount} files could not be read when it was made, and are not in it.`
  return [
    `The point holds ${entries} files and folders with ${bytesText(bytes)}, of the home ${homeId}; the host ${hostName} made it.`,
    CONSISTENCIES[consistency],
    ...(unreadableCount === 0 ? [] : [missing]),
    provenSentence(point),
  ]
}

interface ChosenPoint {
  readonly point: StoredPoint
  /** Null where its record is malformed. */
  readonly newest: StoredPoint | null
  readonly now: number
}

/** That the point is not the newest one, and why that may be. */
export function newerSentences({ point, newest, now }: ChosenPoint): string[] {
  if (newest === null) return [UNREADABLE_NEWEST]
  if (newest.id === point.id || newest.takenAt <= point.takenAt) return []
  const doubts = doubtsOfPoint(newest, now)
  const why = doubts.length === 0 ? '' : ` About that one: ${doubts.join('; ')}.`
  return [`There is a newer recovery point, ${newest.id.slice(0, 8)} of ${timeOf(newest.takenAt)}.${why}`]
}

function provenSentence({ verifiedAt, drilledAt, hasPassedDrill }: StoredPoint): string {
  const verified = verifiedAt === null ? 'It was never verified' : `It was last verified at ${timeOf(verifiedAt)}`
  if (drilledAt === null) return `${verified}, and never drilled.`
  return `${verified}; a drill at ${timeOf(drilledAt)} ${hasPassedDrill === true ? 'passed' : 'failed'}.`
}

/** What going back loses, a sentence each; `changes` are from the point to the home as it is now. */
export function lossSentences({ takenAt }: StoredPoint, loss: RestoreLoss): string[] {
  if (loss.kind === 'no_home') return []
  const since = `Everything that was written since ${timeOf(takenAt)} leaves the home.`
  if (loss.kind === 'counted') return [since, countedSentence('Since then', loss.changes)]
  const latest = loss.sinceLatest
  const known = latest === null ? [] : [countedSentence('From the point to the newest one', latest)]
  return [since, `How much that is was not counted. ${loss.why}`, ...known]
}

function countedSentence(when: string, changes: ChangeCounts): string {
  const { added, changed, removed, bytesWritten, bytesRemoved } = changes
  if (added + changed + removed === 0) return `${when}, nothing was added, changed or removed.`
  const gone = `${added} files and folders were added, ${changed} changed (${bytesText(bytesWritten)} written)`
  return `${when}, ${gone} and ${removed} removed (${bytesText(bytesRemoved)}): those added go, those changed are as they were, those removed are back.`
}
