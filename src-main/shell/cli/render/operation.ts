import { bytesText } from '../../../../src-shared/lib/bytes-text.ts'
import {
  OPERATION_PROMISES,
  type Operation,
  type OperationProgress,
  type StepEntry,
} from '../../../../src-shared/model/operation.ts'
import { resultLines } from './operation-result.ts'
import { facts, localTime, printable, table } from './text.ts'

function whoAsked({ actor }: Operation): string {
  return actor.claimedActor === null ? actor.user : `${actor.user} (claims ${actor.claimedActor})`
}

function stepWords(operation: Operation): string {
  return `${operation.step} (${operation.stepIndex + 1} of ${operation.stepCount})`
}

export function operationTable(operations: readonly Operation[]): string {
  const rows = operations.map((operation) => [
    operation.id,
    operation.kind,
    operation.environmentName,
    operation.status.kind,
    operation.status.kind === 'running' ? stepWords(operation) : '',
    whoAsked(operation),
    localTime(operation.requestedAt),
  ])
  return table(['ID', 'KIND', 'ENVIRONMENT', 'STATUS', 'STEP', 'ASKED BY', 'ASKED AT'], rows)
}

/** `3.0 MiB of 12.0 MiB, 41 of 90 files, 1.5 MiB/s`, as far as it is known. */
export function progressWords({
  doneBytes,
  totalBytes,
  doneFiles,
  totalFiles,
  bytesPerSecond,
}: OperationProgress): string {
  const of = (done: string, total: string | null) => (total === null ? done : `${done} of ${total}`)
  const parts = [
    of(bytesText(doneBytes), totalBytes === null ? null : bytesText(totalBytes)),
    doneFiles === null ? null : `${of(String(doneFiles), totalFiles === null ? null : String(totalFiles))} files`,
    bytesPerSecond === null ? null : `${bytesText(bytesPerSecond)}/s`,
  ]
  return parts.filter((part) => part !== null).join(', ')
}

function resultFacts({ result }: Operation): [string, string][] {
  const lines = result === null ? [] : resultLines(result)
  return lines.map((line, index): [string, string] => [index === 0 ? 'result' : '', line])
}

export function operationFacts(operation: Operation): string {
  const { status } = operation
  return facts([
    ['operation', `${operation.id} (${operation.kind})`],
    ['', OPERATION_PROMISES[operation.kind]],
    ['environment', `${operation.environmentName} (${operation.environmentId})`],
    ['status', status.kind],
    ['step', status.kind === 'running' ? stepWords(operation) : null],
    ['progress', operation.progress === null ? null : progressWords(operation.progress)],
    ['phase', operation.phase],
    ['attempt', operation.attempt === null ? null : String(operation.attempt)],
    ['failure', status.kind === 'failed' ? `${status.failure.message} (${status.failure.code})` : null],
    ['note', operation.note ?? null],
    ...resultFacts(operation),
    ['asked by', whoAsked(operation)],
    ['asked at', localTime(operation.requestedAt)],
    ['ended at', status.kind === 'running' ? null : localTime(status.endedAt)],
    ['request', operation.requestId],
    ['command', operation.commandId],
  ])
}

/** One entry of the journal as it is now, by the time since the operation was asked for. */
export function stepLine(entry: StepEntry, { requestedAt }: Pick<Operation, 'requestedAt'>): string {
  const { direction, step, attempt, startedAt, endedAt, outcome, detail } = entry
  const elapsed = `${(((endedAt ?? startedAt) - requestedAt) / 1000).toFixed(1)} s`
  const name = direction === 'undo' ? `undo ${step}` : step
  const words = [
    name + (attempt === null ? '' : `, attempt ${attempt}`),
    outcome === null ? 'begins' : outcome + (endedAt === null ? '' : ` after ${endedAt - startedAt} ms`),
    detail ?? '',
  ]
  return printable(`${elapsed.padStart(8)}  ${words.filter((word) => word !== '').join('  ')}`).replaceAll('\n', ' ')
}

export function stepTable(steps: readonly StepEntry[]): string {
  const rows = steps.map(({ direction, step, attempt, startedAt, endedAt, outcome, detail }) => [
    direction === 'undo' ? `undo ${step}` : step,
    attempt === null ? '' : String(attempt),
    localTime(startedAt),
    endedAt === null ? '' : `${endedAt - startedAt} ms`,
    outcome ?? 'running',
    detail ?? '',
  ])
  return table(['STEP', 'ATTEMPT', 'STARTED', 'TOOK', 'OUTCOME', 'DETAIL'], rows)
}
