import type { CallOutput } from '../../../../src-shared/contract/call-names.ts'
import type { DaemonContract } from '../../../../src-shared/contract/daemon.ts'
import { visibleWords } from '../../../../src-shared/lib/foreign-words.ts'
import type { AdoptedPoints } from '../../../../src-shared/model/adopted-points.ts'
import { shortPointId } from './recovery-point.ts'
import { facts, localTime, table } from './text.ts'

type Orphaned = CallOutput<DaemonContract, 'backups.orphaned'>

/** What came of taking points on record, and how to go on. */
export function adoptedText(adopted: AdoptedPoints): string {
  const { environmentId, repository, taken, known, gone, left, passedOver, passedOverCount } = adopted
  const heading = facts([
    ['environment', environmentId],
    ['repository', repository],
    ['taken', String(taken)],
    ['known before', String(known)],
    ['gone', gone === 0 ? null : `${gone}: on record, and not in the repository any more`],
    ['passed over', String(passedOverCount)],
    ['left', left === 0 ? null : `${left}: there was no time for them; give the command again`],
  ])
  const rows = passedOver.map(({ pointId, takenAt, why }) => [
    shortPointId(pointId),
    localTime(takenAt),
    visibleWords(why),
  ])
  const more = passedOverCount - passedOver.length
  return [
    heading,
    ...(rows.length === 0 ? [] : ['', table(['PASSED OVER', 'TAKEN', 'WHY'], rows)]),
    ...(more === 0 ? [] : [`and ${more} older ones`]),
    ...(taken + known === 0 ? [] : ['', `To see them: pilothouse backup list ${environmentId}`]),
  ].join('\n')
}

/** Points without an environment: those on record, and repositories that nothing is on record of. */
export function orphanedText({ environments, unrecorded }: Orphaned): string {
  const rows = environments.map(({ environmentId, environmentName, destroyedAt, pointCount, newestTakenAt }) => [
    environmentId,
    environmentName ?? 'not known here',
    destroyedAt === null ? '' : localTime(destroyedAt),
    String(pointCount),
    localTime(newestTakenAt),
  ])
  const known =
    rows.length === 0
      ? 'No point on record is without its environment.'
      : table(['ENVIRONMENT', 'NAME', 'DESTROYED', 'POINTS', 'NEWEST'], rows)
  return [known, '', ...unrecordedLines(unrecorded)].join('\n')
}

function unrecordedLines(unrecorded: Orphaned['unrecorded']): string[] {
  if (unrecorded === null) return ['Whether repositories are below the base that nothing is on record of is not known.']
  if (unrecorded.length === 0) return ['Below the base there is no repository that nothing is on record of.']
  return [
    'Below the base, and nothing of them on record; take them with pilothouse backup adopt:',
    ...unrecorded.map((id) => `  ${id}`),
  ]
}
