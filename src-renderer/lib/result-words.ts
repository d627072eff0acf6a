import { visibleName } from '../../src-shared/lib/acting-characters.ts'
import { visibleWords } from '../../src-shared/lib/foreign-words.ts'
import type { CheckDepth, Consistency, OperationResult } from '../../src-shared/model/operation-result.ts'
import { bytesText, countText, exactText, plural } from './format.ts'

type ResultOf<Kind extends OperationResult['kind']> = Extract<OperationResult, { kind: Kind }>
type Lines = { readonly [Kind in OperationResult['kind']]: (result: ResultOf<Kind>) => string[] }

export const CONSISTENCY_SENTENCES: Record<Consistency, string> = {
  quiesced: 'The file system was at rest at that moment.',
  journal_replayed: 'The file system was in use; its journal was replayed.',
  neither: 'The file system was damaged beyond what replaying its journal mends.',
}

/** `its structure`, `all of its data`, `part 2 of 7 of its data`. */
export function depthText(depth: CheckDepth): string {
  if (depth === 'structure') return 'its structure'
  return depth === 'all' ? 'all of its data' : `part ${depth.part} of ${depth.of} of its data`
}

type Undo = ResultOf<'restore'>['undo']

/** Times are the host's own; the console's clock differs from it by `offsetMs`. */
function undoLine(undo: Undo, offsetMs: number, what: string): string {
  if (undo === null) return 'There was no home to keep: there is nothing to undo to.'
  const size = undo.bytes === null ? '' : ` It takes ${bytesText(undo.bytes)} until then.`
  return `${what} is kept for undo until ${exactText(undo.until - offsetMs)}.${size}`
}

function linesFor(offsetMs: number): Lines {
  return {
    backup: ({ bytes, addedBytes, entries, consistency, frozenMs, unreadableCount }) => [
      `${bytesText(bytes)} in ${plural(entries, 'file or folder', 'files and folders')}, ${bytesText(addedBytes)} of it new in the repository.`,
      CONSISTENCY_SENTENCES[consistency],
      ...(frozenMs === null ? [] : [`The guest's writing was held for ${countText(frozenMs)} ms.`]),
      ...(unreadableCount === 0 ? [] : [`${plural(unreadableCount, 'file')} could not be read: not in it.`]),
    ],
    prune: ({ forgotten, kept }) => [`${plural(forgotten, 'point')} forgotten, ${countText(kept)} kept.`],
    check: ({ depth, isSound, findings }) => [
      `${isSound ? 'Sound' : 'Not sound'}: ${depthText(depth)} was read.`,
      ...findings.map(visibleWords),
    ],
    restore: ({ verified, undo }) => [...verified.map(visibleWords), undoLine(undo, offsetMs, 'The earlier home')],
    undo_restore: ({ undo }) => [
      'The home from before the restore is back.',
      undoLine(undo, offsetMs, 'The restored one'),
    ],
    drop_undo: ({ freedBytes }) => [
      freedBytes === null
        ? 'The kept home is gone. What it took on the host is not known.'
        : `The kept home is gone; ${bytesText(freedBytes)} are free again.`,
    ],
    clone: ({ removedIdentity, verified }) => [
      ...verified.map(visibleWords),
      ...(removedIdentity.length === 0
        ? []
        : [`What was the source's own was removed: ${removedIdentity.map(visibleName).join(', ')}.`]),
    ],
    restore_files: ({ folder, files, bytes, skipped, skippedCount }) => [
      `${plural(files, 'file')}, ${bytesText(bytes)}, in ${visibleName(folder)} on the host.`,
      ...(skippedCount === 0 ? [] : [`${countText(skippedCount)} skipped:`]),
      ...skipped.map(({ path, why }) => `${visibleName(path)}: ${visibleWords(why)}`),
    ],
    drill: ({ isPassed, checks, promotedTo }) => [
      isPassed ? 'The point is proven.' : 'The point did not pass; do not rely on it.',
      ...checks.map((check) => `${check.isPassed ? '✓' : '✗'} ${visibleWords(`${check.name}: ${check.detail}`)}`),
      ...(promotedTo === null ? [] : [`It was kept as ${promotedTo}, stopped.`]),
    ],
  }
}

/** What came of an operation, a sentence each; the first says most. */
export function resultLines(result: OperationResult, offsetMs: number): string[] {
  const lines = linesFor(offsetMs)[result.kind] as (result: OperationResult) => string[]
  return lines(result)
}

/** The same in a few words. */
export function resultBrief(result: OperationResult): string {
  switch (result.kind) {
    case 'backup':
      return `${bytesText(result.addedBytes)} new of ${bytesText(result.bytes)}`
    case 'prune':
      return `${countText(result.forgotten)} forgotten, ${countText(result.kept)} kept`
    case 'check':
      return result.isSound ? 'sound' : `not sound: ${plural(result.findings.length, 'finding')}`
    case 'restore_files':
      return `${plural(result.files, 'file')}, ${bytesText(result.bytes)}`
    case 'drill':
      return result.isPassed ? 'passed' : 'did not pass'
    case 'drop_undo':
      return result.freedBytes === null ? '' : `${bytesText(result.freedBytes)} free again`
    default:
      return ''
  }
}
