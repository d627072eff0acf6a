import type { DaemonEvent } from '../../../../src-shared/contract/daemon.ts'
import { PilothouseError } from '../../../../src-shared/error.ts'
import { operationIdSchema, type OperationId } from '../../../../src-shared/model/ids.ts'
import type { Operation } from '../../../../src-shared/model/operation.ts'
import { itemsOf } from '../call.ts'
import type { Invocation } from '../invocation.ts'
import { endAs } from '../operation-outcome.ts'
import type { DaemonSession } from '../ports.ts'
import { operationFacts, stepLine } from '../render/operation.ts'
import { usageError } from '../usage-error.ts'
import { commandAt } from './group.ts'
import type { Place } from './perform.ts'

/** `operations watch`: each step when it begins and when it ends, then the operation; ends as the operation did. */
export function addWatchCommand({ program, perform }: Place): void {
  const command = commandAt(program, ['operations', 'watch'])
    .description(
      'Each step of an operation as it begins and ends, until the operation has ended; its outcome is the exit status. With --json a journal entry a line, then the operation.',
    )
    .argument('<id>', 'op- and 16 hex digits')
  command.action((word: string) => perform(command, (invocation) => watch(idOf(word), invocation)))
}

function idOf(word: string): OperationId {
  const parsed = operationIdSchema.safeParse(word)
  if (parsed.success) return parsed.data
  throw usageError(`ID: ${parsed.error.issues[0]?.message ?? 'is malformed'}.`)
}

async function watch(id: OperationId, invocation: Invocation): Promise<void> {
  const session = await invocation.connect()
  const told = new Set<string>()
  const events = await session.client.events({}, invocation.callOptions)
  for await (const event of itemsOf(events, invocation)) {
    if (!mayConcern(event as DaemonEvent, id)) continue
    const operation = await tellNew({ id, told, session }, invocation)
    if (operation.status.kind === 'running') continue
    invocation.output.item(operation, () => operationFacts(operation))
    endAs(operation, invocation)
    return
  }
  throw new PilothouseError('host_unreachable', 'The host ended its events; the operation goes on there.')
}

/** A sign of life counts too: whatever was missed is found by the next one. */
function mayConcern(event: DaemonEvent, id: OperationId): boolean {
  if (event.type === 'operation_changed') return event.operation.id === id
  return event.type === 'snapshot' || event.type === 'confirmed'
}

interface Watched {
  readonly id: OperationId
  /** Entries that were printed, as they were. */
  readonly told: Set<string>
  readonly session: DaemonSession
}

/** The operation is read before its journal, so that one that has ended has told every step. */
async function tellNew({ id, told, session }: Watched, invocation: Invocation): Promise<Operation> {
  const { operations } = session.client
  const operation = await operations.get({ id }, invocation.callOptions)
  for (const entry of await operations.steps({ id }, invocation.callOptions)) {
    const key = JSON.stringify(entry)
    if (told.has(key)) continue
    told.add(key)
    invocation.output.item(entry, () => stepLine(entry, operation))
  }
  return operation
}
