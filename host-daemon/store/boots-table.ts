import type { ConsoleGap } from '../../src-shared/model/console.ts'
import type { BootId, EnvironmentId, HomeId, OperationId } from '../../src-shared/model/ids.ts'
import type { BootRecord } from '../drivers/vm-driver.ts'
import { readRecord } from './boot-record.ts'
import type { Database } from './database.ts'

/** One boot, recorded before its guest exists. */
export interface Boot {
  readonly id: BootId
  readonly environmentId: EnvironmentId
  readonly ordinal: number
  /** The operation that made it. */
  readonly operationId: OperationId
  /** The means to stop its guest. Where it is malformed, the ids alone are good: see `problem`. */
  readonly record: BootRecord
  /** What is wrong with the record; null: nothing. */
  readonly problem: string | null
  readonly startedAt: number
  /** Set on positive evidence alone; null while the guest may still exist. */
  readonly endedAt: number | null
}

interface BootRow {
  id: string
  environment_id: string
  ordinal: number
  operation_id: string
  record: string
  journal_path: string
  started_at: number
  ended_at: number | null
}

export type NewBoot = Pick<Boot, 'operationId' | 'record' | 'startedAt'>

const INSERT = `
INSERT INTO boots (id, environment_id, ordinal, operation_id, record, journal_path, started_at)
VALUES (@id, @environmentId, (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM boots WHERE environment_id = +@environmentId),
  @operationId, @record, @journalPath, @startedAt)`

/** Boots and the gaps of their journals. A unique index allows one boot without an end per environment. */
export class BootsTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  insert({ operationId, record, startedAt }: NewBoot): void {
    const { bootId: id, environmentId, journalPath } = record
    this.db.run(INSERT, { id, environmentId, operationId, record: JSON.stringify(record), journalPath, startedAt })
    this.db.touch('boot', id)
  }

  end(id: BootId, at: number): void {
    const ended = this.db.run('UPDATE boots SET ended_at = @at WHERE id = @id AND ended_at IS NULL', { id, at })
    if (ended > 0) this.db.touch('boot', id)
  }

  find(id: BootId): Boot | undefined {
    const row = this.db.get<BootRow>('SELECT * FROM boots WHERE id = @id', { id })
    return row === undefined ? undefined : toBoot(row)
  }

  /** The boot of this environment whose guest may exist, however malformed it is. */
  liveOf(environmentId: EnvironmentId): Boot | undefined {
    const sql = 'SELECT * FROM boots WHERE environment_id = @environmentId AND ended_at IS NULL'
    const row = this.db.get<BootRow>(sql, { environmentId })
    return row === undefined ? undefined : toBoot(row)
  }

  /** Boots whose guests may exist. Those with a malformed record are quarantined with their environment. */
  live(): Boot[] {
    const rows = this.db.all<BootRow>('SELECT * FROM boots WHERE ended_at IS NULL ORDER BY started_at')
    return rows.map(toBoot).filter(isSound)
  }

  /** Newest first, without those that nothing certain is known of. */
  listOf(environmentId: EnvironmentId): Boot[] {
    const sql = 'SELECT * FROM boots WHERE environment_id = @environmentId ORDER BY ordinal DESC'
    return this.db.all<BootRow>(sql, { environmentId }).map(toBoot).filter(isSound)
  }

  /** In rising order of offset. */
  gapsOf(bootId: BootId): ConsoleGap[] {
    const sql = 'SELECT offset, length, reason FROM console_gaps WHERE boot_id = @bootId ORDER BY offset'
    return this.db.all<ConsoleGap>(sql, { bootId })
  }

  /** A gap at the same offset is replaced: it has grown, or its length has become known. */
  putGap(bootId: BootId, gap: ConsoleGap): void {
    const sql = `
      INSERT INTO console_gaps (boot_id, offset, length, reason) VALUES (@bootId, @offset, @length, @reason)
      ON CONFLICT (boot_id, offset) DO UPDATE SET length = @length, reason = @reason`
    this.db.run(sql, { bootId, ...gap })
    this.db.touch('boot', bootId)
  }
}

function isSound({ problem }: Boot): boolean {
  return problem === null
}

function toBoot(row: BootRow): Boot {
  const read = readRecord(row)
  return {
    id: row.id as BootId,
    environmentId: row.environment_id as EnvironmentId,
    ordinal: row.ordinal,
    operationId: row.operation_id as OperationId,
    record: read.problem === null ? read.record : standIn(row),
    problem: read.problem,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  }
}

function standIn(row: BootRow): BootRecord {
  const [environmentId, bootId] = [row.environment_id as EnvironmentId, row.id as BootId]
  return { environmentId, bootId, homeId: '' as HomeId, journalPath: row.journal_path, handles: {} }
}
