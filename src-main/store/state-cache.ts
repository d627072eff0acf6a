import { backupStatusSchema, type BackupStatus } from '../../src-shared/model/backup.ts'
import { cursorSchema, type Cursor } from '../../src-shared/model/cursor.ts'
import { environmentSchema, type Environment } from '../../src-shared/model/environment.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import { operationSchema, type Operation } from '../../src-shared/model/operation.ts'
import type { Db } from './database.ts'

type Kind = 'environment' | 'operation' | 'backup'

/** What was last heard of one host. */
export interface CachedState {
  readonly environments: readonly Environment[]
  readonly operations: readonly Operation[]
  readonly backups: readonly BackupStatus[]
  /** From where its events continue; null where the rows below are not of one moment. */
  readonly cursor: Cursor | null
  /** Console clock; null when nothing was ever heard. */
  readonly confirmedAt: number | null
}

/** One change to be kept, a backup status by its environment's id; `body` null removes the row. */
export interface CachedChange {
  readonly kind: Kind
  readonly id: string
  readonly body: Environment | Operation | BackupStatus | null
}

interface HostRow {
  epoch: string | null
  seq: number | null
  confirmed_at: number | null
  revision: number
}

/** Rows that an older version wrote and this one cannot read are passed over: the host will tell again. */
function parseRows<T>(
  rows: readonly { body: string }[],
  schema: { safeParse(value: unknown): { data?: T | undefined } },
): T[] {
  return rows.map(({ body }) => schema.safeParse(JSON.parse(body)).data).filter((value) => value !== undefined)
}

/** Another process of this console has written among this one's rows: they are of no one moment any more. */
const MIXED = 'mixed'

/**
 * The last known state of every host, so that a restart shows it with its age. A cache: losing it costs nothing. A
 * window and a web shell may share it: once both have written, neither leaves a cursor, and the next start reads the
 * state anew.
 */
export class StateCache {
  private readonly db: Db
  /** Of each host, as this process last read or wrote it. */
  private readonly revisions = new Map<HostId, number | typeof MIXED>()

  constructor(db: Db) {
    this.db = db
  }

  load(hostId: HostId): CachedState {
    const rows = this.db.prepare<[string, Kind], { body: string }>(
      'SELECT body FROM cached_rows WHERE host_id = ? AND kind = ?',
    )
    const read = this.db.transaction(() => {
      const host = this.hostRow(hostId)
      return {
        host,
        environments: parseRows(rows.all(hostId, 'environment'), environmentSchema),
        operations: parseRows(rows.all(hostId, 'operation'), operationSchema),
        backups: parseRows(rows.all(hostId, 'backup'), backupStatusSchema),
      }
    })
    const { host, ...rowsRead } = read()
    this.revisions.set(hostId, host?.revision ?? 0)
    return {
      ...rowsRead,
      cursor: cursorSchema.safeParse({ epoch: host?.epoch, seq: host?.seq }).data ?? null,
      confirmedAt: host?.confirmed_at ?? null,
    }
  }

  /**
   * In one transaction. `cursor` null says that the rows are not yet of one moment; where another process has written
   * since, none is kept.
   */
  save(hostId: HostId, changes: readonly CachedChange[], at: Pick<CachedState, 'cursor' | 'confirmedAt'>): void {
    const put = this.db.prepare('INSERT OR REPLACE INTO cached_rows (host_id, kind, id, body) VALUES (?, ?, ?, ?)')
    const drop = this.db.prepare('DELETE FROM cached_rows WHERE host_id = ? AND kind = ? AND id = ?')
    const mark = this.db.prepare(
      'INSERT OR REPLACE INTO cached_hosts (host_id, epoch, seq, confirmed_at, revision) VALUES (?, ?, ?, ?, ?)',
    )
    const write = this.db.transaction(() => {
      const found = this.hostRow(hostId)?.revision ?? 0
      const isOurs = found === (this.revisions.get(hostId) ?? 0)
      const cursor = isOurs ? at.cursor : null
      for (const { kind, id, body } of changes) {
        if (body === null) drop.run(hostId, kind, id)
        else put.run(hostId, kind, id, JSON.stringify(body))
      }
      mark.run(hostId, cursor?.epoch ?? null, cursor?.seq ?? null, at.confirmedAt, found + 1)
      return isOurs ? found + 1 : MIXED
    })
    // Immediate: whoever writes beside us is seen before, not during.
    this.revisions.set(hostId, write.immediate())
  }

  private hostRow(hostId: HostId): HostRow | undefined {
    return this.db.prepare<[string], HostRow>('SELECT * FROM cached_hosts WHERE host_id = ?').get(hostId)
  }
}
