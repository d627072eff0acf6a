import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StepsTable } from '../../host-daemon/store/steps-table.ts'
import { FakeMachine } from './fake-machine.ts'

/** What a `kill -9` at one moment of the journal would have left: the database, the guests and the homes. */
export interface JournalMoment {
  /** What was being journaled, and is not durable. */
  readonly at: string
  readonly folder: string
  readonly machine: FakeMachine
}

interface Watched {
  readonly folder: string
  readonly machine: FakeMachine
}

type Begin = (this: StepsTable, ...words: Parameters<StepsTable['begin']>) => void
type End = (this: StepsTable, ...words: Parameters<StepsTable['end']>) => void

/**
 * Keeps every moment at which a step's beginning, or the operation's end, was about to become durable, while `work` is
 * done on the daemon of `folder`. It reaches into the journal's table from outside. Only one daemon may run meanwhile.
 */
export async function momentsOf(watched: Watched, work: () => Promise<unknown>): Promise<JournalMoment[]> {
  const begin: Begin = Reflect.get(StepsTable.prototype, 'begin')
  const end: End = Reflect.get(StepsTable.prototype, 'end')
  const moments: JournalMoment[] = []
  StepsTable.prototype.begin = function (operationId, entry): void {
    // The step before has just been ended in the same transaction: one moment, not two.
    const [same] = moments.splice(-1)
    if (same !== undefined) rmSync(same.folder, { recursive: true, force: true })
    moments.push(keep(watched, `${entry.direction} ${entry.step} ${entry.attempt ?? '-'}`))
    begin.call(this, operationId, entry)
  }
  StepsTable.prototype.end = function (operationId, ending): void {
    moments.push(keep(watched, `end, ${ending.outcome}`))
    end.call(this, operationId, ending)
  }
  try {
    await work()
    return moments
  } catch (error) {
    for (const { folder } of moments) rmSync(folder, { recursive: true, force: true })
    throw error
  } finally {
    StepsTable.prototype.begin = begin
    StepsTable.prototype.end = end
  }
}

/** The same once more, to be gone on from in another way. The caller removes both folders. */
export function copyOfMoment({ at, ...left }: JournalMoment): JournalMoment {
  return keep(left, at)
}

/** What an open transaction has written is in no file yet. */
function keep({ folder, machine }: Watched, at: string): JournalMoment {
  const left = mkdtempSync(join(tmpdir(), 'pilothouse-moment-'))
  for (const name of ['pilothoused.db', 'pilothoused.db-wal']) copyFileSync(join(folder, name), join(left, name))
  return { at, folder: left, machine: copyOf(machine) }
}

function copyOf({ guests, homes }: FakeMachine): FakeMachine {
  const copy = new FakeMachine()
  for (const id of guests.ids()) copy.guests.put(id, { ...guests.get(id)! })
  for (const id of homes.ids()) copy.homes.put(id, { ...homes.get(id)! })
  return copy
}
