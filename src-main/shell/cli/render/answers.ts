import { bytesText } from '../../../../src-shared/lib/bytes-text.ts'
import type { CallOutput } from '../../../../src-shared/contract/call-names.ts'
import type { DaemonContract, DaemonEvent } from '../../../../src-shared/contract/daemon.ts'
import type { ConsoleBoot } from '../../../../src-shared/model/console.ts'
import type { Image } from '../../../../src-shared/model/image.ts'
import type { Owner } from '../../../../src-shared/model/owner.ts'
import type { DaemonCallName } from '../spelling.ts'
import { environmentFacts, environmentTable, stateWord } from './environment.ts'
import { adoptedText, orphanedText } from './adopted-points.ts'
import { activityHeadFacts, activityTable } from './activity.ts'
import { backupFacts, backupTable, FRESHNESS_WORDS } from './backup.ts'
import { driftPlanText, driftResultText, driftTable } from './drift.ts'
import { daemonFacts } from './host.ts'
import { operationFacts, operationTable, stepTable } from './operation.ts'
import { planText } from './plan.ts'
import { comparisonText, listingText, pointTable } from './recovery-point.ts'
import { clipped, facts, localTime, printable, table } from './text.ts'

type Answer<Name extends DaemonCallName> = Name extends 'events' ? DaemonEvent : CallOutput<DaemonContract, Name>

/** Each call's answer for people; a stream's, item by item. */
export const RENDERERS: { readonly [Name in DaemonCallName]: (answer: Answer<Name>) => string } = {
  hello: daemonFacts,
  'environments.list': ({ environments }) => environmentTable(environments),
  'environments.get': environmentFacts,
  'environments.spawn': operationFacts,
  'environments.start': operationFacts,
  'environments.stop': operationFacts,
  'environments.reboot': operationFacts,
  'environments.recover': operationFacts,
  'environments.resize': operationFacts,
  'environments.rename': environmentFacts,
  'environments.setLabels': environmentFacts,
  'environments.reset.plan': planText,
  'environments.reset.run': operationFacts,
  'environments.setProtection': environmentFacts,
  'environments.destroy.plan': planText,
  'environments.destroy.run': operationFacts,
  'operations.list': operationTable,
  'operations.get': operationFacts,
  'operations.steps': stepTable,
  'operations.wait': operationFacts,
  'operations.cancel': operationFacts,
  'backups.status': backupTable,
  'backups.points': pointTable,
  'backups.orphaned': orphanedText,
  'backups.adopt': adoptedText,
  'backups.now': operationFacts,
  'backups.check': operationFacts,
  'backups.prune': operationFacts,
  'backups.setPolicy': backupFacts,
  'backups.browse': listingText,
  'backups.compare': comparisonText,
  'restore.plan': planText,
  'restore.run': operationFacts,
  'undo.plan': planText,
  'undo.run': operationFacts,
  'drop.plan': planText,
  'drop.run': operationFacts,
  files: operationFacts,
  clone: operationFacts,
  drill: operationFacts,
  'owners.list': ownerTable,
  'owners.put': ownerFacts,
  'images.list': imageTable,
  'consoles.boots': bootTable,
  'activity.list': ({ entries }) => activityTable(entries),
  'activity.head': activityHeadFacts,
  'drift.list': driftTable,
  'drift.plan': driftPlanText,
  'drift.run': driftResultText,
  events: eventLine,
}

/** The renderer of a call whose name is only known at run time; the answer was parsed by the contract. */
export function renderAnswer(name: DaemonCallName, answer: unknown): string {
  return (RENDERERS[name] as (answer: unknown) => string)(answer)
}

/** Characters of an owner's note in the list; `--json` has it whole. */
const NOTE_WIDTH = 60

function ownerTable(owners: readonly Owner[]): string {
  const rows = owners.map(({ name, isActive, environmentCount, limit, note }) => [
    name,
    isActive ? 'active' : 'inactive',
    `${environmentCount} of ${limit}`,
    clipped(note, NOTE_WIDTH),
  ])
  return table(['NAME', 'STATE', 'ENVIRONMENTS', 'NOTE'], rows)
}

function ownerFacts({ name, isActive, environmentCount, limit, note }: Owner): string {
  return facts([
    ['owner', name],
    ['state', isActive ? 'active' : 'inactive'],
    ['environments', `${environmentCount} of ${limit}`],
    ['note', note],
  ])
}

function imageTable(images: readonly Image[]): string {
  const rows = images.map(({ ref, builtAt, bytes, fingerprint }) => [
    ref,
    localTime(builtAt),
    bytesText(bytes),
    fingerprint.slice(0, 12),
  ])
  return table(['IMAGE', 'BUILT', 'SIZE', 'FINGERPRINT'], rows)
}

function bootTable(boots: readonly ConsoleBoot[]): string {
  const rows = boots.map(({ ordinal, bootId, startedAt, endedAt, endOffset, gaps }) => [
    String(ordinal),
    bootId,
    localTime(startedAt),
    endedAt === null ? 'still running' : localTime(endedAt),
    bytesText(endOffset),
    String(gaps.length),
  ])
  return table(['BOOT', 'ID', 'STARTED', 'ENDED', 'CONSOLE', 'GAPS'], rows)
}

function eventLine(event: DaemonEvent): string {
  return printable(`${event.cursor.seq} ${event.type} ${eventWords(event)}`.trimEnd())
}

function eventWords(event: DaemonEvent): string {
  switch (event.type) {
    case 'snapshot':
      return `${event.environments.length} environments, ${event.operations.length} operations`
    case 'environment_changed':
      return `${event.environment.name} ${stateWord(event.environment.observed)}`
    case 'environment_removed':
      return event.environmentId
    case 'operation_changed':
      return `${event.operation.id} ${event.operation.kind} ${event.operation.environmentName} ${event.operation.status.kind} ${event.operation.step}`
    case 'backup_changed':
      return `${event.backup.environmentName} ${FRESHNESS_WORDS[event.backup.freshness.kind]}`
    case 'confirmed':
      return localTime(event.now)
    case 'reset':
      return 'the cursor is of another epoch or too old'
  }
}
