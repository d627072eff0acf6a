import { visibleName } from '../../../../src-shared/lib/acting-characters.ts'
import { bytesText } from '../../../../src-shared/lib/bytes-text.ts'
import { visibleWords } from '../../../../src-shared/lib/foreign-words.ts'
import type { CheckDepth, OperationResult } from '../../../../src-shared/model/operation-result.ts'
import { CONSISTENCY_WORDS, shortPointId } from './recovery-point.ts'
import { localTime } from './text.ts'

/**
 * What came of an operation, in words: a sentence a line. Paths that a guest chose are visibleName, what it and its engine said
 * is made visible.
 */
export function resultLines(result: OperationResult): string[] {
  switch (result.kind) {
    case 'backup':
      return backupLines(result)
    case 'prune':
      return [`${result.forgotten} points were forgotten, ${result.kept} are kept.`]
    case 'check':
      return checkLines(result)
    case 'restore':
      return [`The home is that of point ${shortPointId(result.pointId)}.`, ...verified(result), undoLine(result.undo)]
    case 'undo_restore':
      return ['The home that the restore had replaced is back.', undoLine(result.undo)]
    case 'drop_undo':
      return [`The kept home ${result.homeId} is gone${freed(result.freedBytes)}.`]
    case 'clone':
      return cloneLines(result)
    case 'restore_files':
      return fileLines(result)
    case 'drill':
      return drillLines(result)
  }
}

type Of<Kind extends OperationResult['kind']> = Extract<OperationResult, { kind: Kind }>

function backupLines({ pointId, bytes, addedBytes, entries, ...point }: Of<'backup'>): string[] {
  const { consistency, frozenMs, unreadableCount } = point
  const held = frozenMs === null ? '' : `; the guest's writing was held for ${frozenMs} ms`
  return [
    `Point ${shortPointId(pointId)}: ${bytesText(bytes)} in ${entries} files and folders, ${bytesText(addedBytes)} of it new.`,
    `The home was ${CONSISTENCY_WORDS[consistency]}${held}.`,
    ...(unreadableCount === 0 ? [] : [`${unreadableCount} files could not be read and are not in it.`]),
  ]
}

function checkLines({ depth, isSound, findings }: Of<'check'>): string[] {
  const verdict = isSound ? 'The repository is sound' : 'The repository is NOT sound'
  return [`${verdict}; ${depthWords(depth)}.`, ...findings.map(visibleWords)]
}

function depthWords(depth: CheckDepth): string {
  if (depth === 'structure') return 'its structure was checked, its data was not read'
  if (depth === 'all') return 'all of its data was read'
  return `part ${depth.part} of ${depth.of} of its data was read`
}

function verified({ verified: sentences }: { readonly verified: readonly string[] }): string[] {
  return sentences.map((sentence) => `Verified: ${visibleWords(sentence)}`)
}

function undoLine(undo: Of<'restore'>['undo']): string {
  if (undo === null) return 'There is nothing to undo to.'
  const cost = undo.bytes === null ? '' : `, and takes ${bytesText(undo.bytes)} until then`
  return `The replaced home can be brought back until ${localTime(undo.until)}${cost}; then it is removed.`
}

function freed(bytes: number | null): string {
  return bytes === null ? '' : `; ${bytesText(bytes)} are free again`
}

function cloneLines({ pointId, sourceId, removedIdentity, ...clone }: Of<'clone'>): string[] {
  const removed = removedIdentity.map(visibleName).join(', ')
  return [
    `It is made of point ${shortPointId(pointId)} of ${sourceId}.`,
    removed === '' ? 'No file of an identity was in it.' : `Removed, for an identity of its own: ${removed}.`,
    ...verified(clone),
  ]
}

function fileLines({ pointId, folder, files, bytes, skipped, skippedCount }: Of<'restore_files'>): string[] {
  const unnamed = skippedCount - skipped.length
  return [
    `${files} files, ${bytesText(bytes)}, of point ${shortPointId(pointId)} are in ${visibleName(folder)} on the host.`,
    ...(skippedCount === 0 ? [] : [`${skippedCount} were left out:`]),
    ...skipped.map(({ path, why }) => `  ${visibleName(path)}: ${visibleWords(why)}`),
    ...(unnamed > 0 ? [`  and ${unnamed} more`] : []),
  ]
}

function drillLines({ pointId, isPassed, checks, promotedTo }: Of<'drill'>): string[] {
  const verdict = isPassed ? 'is proved restorable' : 'is NOT proved restorable'
  return [
    `Point ${shortPointId(pointId)} ${verdict}.`,
    ...checks.map(
      ({ name, isPassed: isGood, detail }) =>
        `  ${isGood ? 'passed' : 'FAILED'}  ${visibleWords(`${name}: ${detail}`)}`,
    ),
    ...(promotedTo === null ? [] : [`Its home is kept as ${promotedTo}.`]),
  ]
}
