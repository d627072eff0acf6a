import { visibleName } from '../../../../src-shared/lib/acting-characters.ts'
import { bytesText } from '../../../../src-shared/lib/bytes-text.ts'
import type { CallOutput } from '../../../../src-shared/contract/call-names.ts'
import type { DaemonContract } from '../../../../src-shared/contract/daemon.ts'
import type { Consistency } from '../../../../src-shared/model/operation-result.ts'
import type {
  ChangeCounts,
  PointChange,
  PointEntry,
  RecoveryPoint,
} from '../../../../src-shared/model/recovery-point.ts'
import { localTime, table } from './text.ts'

type Listing = CallOutput<DaemonContract, 'backups.browse'>
type Comparison = CallOutput<DaemonContract, 'backups.compare'>

/** Enough of an id to tell points apart, and accepted wherever a point is named. */
const SHORT_ID = 16

export function shortPointId(id: string): string {
  return id.slice(0, SHORT_ID)
}

/** How whole a point is, in words. */
export const CONSISTENCY_WORDS: Readonly<Record<Consistency, string>> = {
  quiesced: 'quiesced',
  journal_replayed: 'journal replayed',
  neither: 'damaged, as it was',
}

export function pointTable(points: readonly RecoveryPoint[]): string {
  if (points.length === 0) return 'There is no recovery point.'
  const rows = points.map((point) => [
    shortPointId(point.id),
    localTime(point.takenAt),
    bytesText(point.bytes),
    point.addedBytes === null ? 'unknown' : bytesText(point.addedBytes),
    String(point.entries),
    CONSISTENCY_WORDS[point.consistency],
    point.verifiedAt === null ? 'never' : localTime(point.verifiedAt),
    drillWords(point),
    point.hostName,
    noteOf(point),
  ])
  return table(['POINT', 'TAKEN', 'SIZE', 'NEW', 'FILES', 'STATE', 'VERIFIED', 'DRILLED', 'MADE ON', 'NOTE'], rows)
}

function drillWords({ drilledAt, hasPassedDrill }: RecoveryPoint): string {
  if (drilledAt === null) return 'never'
  return `${hasPassedDrill === true ? 'passed' : 'failed'} ${localTime(drilledAt)}`
}

function noteOf({ forgottenAt, unreadableCount, tags }: RecoveryPoint): string {
  const notes = [
    forgottenAt === null ? '' : `gone from the repository since ${localTime(forgottenAt)}`,
    unreadableNote(unreadableCount),
    tags.filter(isNews).map(visibleName).join(', '),
  ]
  return notes.filter((note) => note !== '').join('; ')
}

function unreadableNote(count: number | null): string {
  if (count === null) return 'taken on record from its repository'
  return count === 0 ? '' : `${count} files unreadable`
}

/** Tags by which a point repeats what other columns say, or what only the daemon needs; `--json` has them all. */
const OWN_TAGS = ['machine', 'home', 'home-mib', 'consistency', 'quiesced', 'frozen-ms', 'operation']

function isNews(tag: string): boolean {
  return !OWN_TAGS.includes(tag.split('=', 1)[0] ?? '')
}

const TYPE_LETTERS: Readonly<Record<PointEntry['type'], string>> = {
  file: '-',
  directory: 'd',
  symlink: 'l',
  other: '?',
}

/** `drwxr-xr-x`, as far as permission bits go. */
function modeWords({ type, mode }: PointEntry): string {
  const bits = Array.from('rwxrwxrwx', (letter, place) => ((mode >> (8 - place)) & 1 ? letter : '-'))
  return TYPE_LETTERS[type] + bits.join('')
}

export function listingText({ pointId, note, entries, next }: Listing): string {
  const rows = entries.map((entry) => [
    modeWords(entry),
    entry.type === 'file' ? bytesText(entry.bytes) : '',
    localTime(entry.modifiedAt),
    visibleName(entry.path),
  ])
  const shown = rows.length === 0 ? 'There is nothing in it.' : table(['MODE', 'SIZE', 'MODIFIED', 'PATH'], rows)
  return [`point ${pointId}`, ...noteLines(note), shown, ...moreLines(next)].join('\n')
}

export function comparisonText({ from, to, note, counts, changes, next }: Comparison): string {
  const rows = changes.map((change) => [change.kind, change.type, sizeChange(change), visibleName(change.path)])
  const heading = `from ${shortPointId(from)} to ${shortPointId(to)}: ${countWords(counts)}`
  const shown = rows.length === 0 ? [] : [table(['CHANGE', 'TYPE', 'SIZE', 'PATH'], rows)]
  return [heading, ...noteLines(note), ...shown, ...moreLines(next)].join('\n')
}

function sizeChange({ type, fromBytes, toBytes }: PointChange): string {
  if (type !== 'file') return ''
  return [fromBytes, toBytes].map((bytes) => (bytes === null ? 'none' : bytesText(bytes))).join(' → ')
}

export function countWords({ added, changed, removed, bytesWritten, bytesRemoved }: ChangeCounts): string {
  const written = `${bytesText(bytesWritten)} written`
  return `${added} added, ${changed} changed, ${removed} removed; ${written}, ${bytesText(bytesRemoved)} removed`
}

function noteLines(note: string | undefined): string[] {
  return note === undefined ? [] : [visibleName(note)]
}

function moreLines(next: string | null): string[] {
  return next === null ? [] : [`There is more: --after ${shellQuoted(next)}`]
}

/** One word for a shell, on one line, whatever is in it. */
function shellQuoted(text: string): string {
  if (/^[A-Za-z0-9_./:=@%+-]+$/.test(text)) return text
  if (visibleName(text) === text) return `'${text.replaceAll("'", String.raw`'\''`)}'`
  const octal = [...new TextEncoder().encode(text)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`)
  return `$'${octal.join('')}'`
}
