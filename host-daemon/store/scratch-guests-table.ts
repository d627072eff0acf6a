import type { DriverKind } from '../../src-shared/model/environment.ts'
import type { BootId, EnvironmentId, HomeId, OperationId } from '../../src-shared/model/ids.ts'
import type { BootRecord } from '../drivers/vm-driver.ts'
import type { Database } from './database.ts'

/** A home that is there for one operation alone, with the guest that a drill starts on it: what ends and removes both. */
export interface ScratchGuest {
  readonly operationId: OperationId
  /** Whose point is in it. */
  readonly environmentId: EnvironmentId
  readonly driver: DriverKind
  readonly homeId: HomeId
  readonly record: BootRecord
  readonly createdAt: number
}

type Row = Omit<ScratchGuest, 'record'> & { record: string }

const INSERT = `
INSERT INTO scratch_guests (operation_id, environment_id, driver, home_id, boot_id, record, created_at)
VALUES (@operationId, @environmentId, @driver, @homeId, @bootId, @record, @createdAt)`

const SELECT = `
SELECT operation_id AS operationId, environment_id AS environmentId, driver, home_id AS homeId, record,
  created_at AS createdAt
FROM scratch_guests`

/**
 * Scratch homes of drills and of files that are restored on their own, from before anything of them exists until nothing
 * of them is left. Once its operation has ended, a row stands for the guest alone, whose memory is counted by it: a home
 * that is left is found on the host itself.
 */
export class ScratchGuestsTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  insert({ record, ...guest }: ScratchGuest): void {
    this.db.run(INSERT, { ...guest, bootId: record.bootId, record: JSON.stringify(record) })
  }

  /** Undefined once it was removed. */
  of(operationId: OperationId): ScratchGuest | undefined {
    const row = this.db.get<Row>(`${SELECT} WHERE operation_id = @operationId AND removed_at IS NULL`, { operationId })
    return row === undefined ? undefined : toScratch(row)
  }

  /** Nothing of it is left, or it belongs to an environment now. */
  setRemoved(operationId: OperationId, at: number): void {
    this.db.run('UPDATE scratch_guests SET removed_at = @at WHERE operation_id = @operationId', { operationId, at })
  }

  /** The same by its boot, whose guest somebody else than its operation has ended; nothing where no scratch has it. */
  setGuestGone(bootId: BootId, at: number): void {
    this.db.run('UPDATE scratch_guests SET removed_at = @at WHERE boot_id = @bootId AND removed_at IS NULL', {
      bootId,
      at,
    })
  }

  /** Those whose operations have ended without removing them, forgotten ones included. */
  left(): ScratchGuest[] {
    const isOver = "NOT EXISTS (SELECT 1 FROM operations WHERE id = operation_id AND status = 'running')"
    return this.db.all<Row>(`${SELECT} WHERE removed_at IS NULL AND ${isOver}`).map(toScratch)
  }

  /** Forgets those that were removed before `before`, and whose operations are forgotten. */
  prune(before: number): number {
    const isForgotten = 'NOT EXISTS (SELECT 1 FROM operations WHERE id = operation_id)'
    return this.db.run(`DELETE FROM scratch_guests WHERE removed_at < @before AND ${isForgotten}`, { before })
  }
}

function toScratch(row: Row): ScratchGuest {
  return { ...row, record: JSON.parse(row.record) as BootRecord }
}
