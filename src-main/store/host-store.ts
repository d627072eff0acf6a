import { PilothouseError } from '../../src-shared/error.ts'
import { hostTargetSchema, type HostKey, type HostTarget } from '../../src-shared/model/host.ts'
import { hostIdSchema, hostNameSchema, type HostId, type HostName } from '../../src-shared/model/ids.ts'
import type { Db } from './database.ts'

/** A host as it is remembered, without anything of its connection. */
export interface StoredHost {
  readonly id: HostId
  readonly name: HostName
  readonly target: HostTarget
  readonly pinnedKey: HostKey | null
  /** False after someone disconnected it: it is not connected again by itself. */
  readonly isWanted: boolean
}

interface Row {
  id: string
  name: string
  target: string
  is_wanted: number
  pinned_key_type: string | null
  pinned_key_fingerprint: string | null
}

function hostOf(row: Row): StoredHost {
  const { pinned_key_type: type, pinned_key_fingerprint: fingerprint } = row
  return {
    id: hostIdSchema.parse(row.id),
    name: hostNameSchema.parse(row.name),
    target: hostTargetSchema.parse(JSON.parse(row.target)),
    pinnedKey: type === null || fingerprint === null ? null : { type, fingerprint },
    isWanted: row.is_wanted === 1,
  }
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'SQLITE_CONSTRAINT_UNIQUE'
}

/** Hosts and their pinned keys. Statements are short and run at once. */
export class HostStore {
  private readonly db: Db

  constructor(db: Db) {
    this.db = db
  }

  list(): StoredHost[] {
    return this.db
      .prepare<[], Row>('SELECT * FROM hosts ORDER BY name')
      .all()
      .map((row) => hostOf(row))
  }

  get(id: HostId): StoredHost | undefined {
    const row = this.db.prepare<[string], Row>('SELECT * FROM hosts WHERE id = ?').get(id)
    return row === undefined ? undefined : hostOf(row)
  }

  byName(name: HostName): StoredHost | undefined {
    const row = this.db.prepare<[string], Row>('SELECT * FROM hosts WHERE name = ?').get(name)
    return row === undefined ? undefined : hostOf(row)
  }

  /** Throws `name_taken`. */
  add(host: Pick<StoredHost, 'id' | 'name' | 'target'>, addedAt: number): StoredHost {
    const insert = this.db.prepare('INSERT INTO hosts (id, name, target, added_at) VALUES (?, ?, ?, ?)')
    try {
      insert.run(host.id, host.name, JSON.stringify(host.target), addedAt)
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      throw new PilothouseError('name_taken', `There is a host named ${host.name} already.`, {
        hint: 'Choose another name; names are unique in this console.',
      })
    }
    return { ...host, pinnedKey: null, isWanted: true }
  }

  /** With it goes everything cached of it. False where there was none. */
  remove(id: HostId): boolean {
    return this.db.prepare('DELETE FROM hosts WHERE id = ?').run(id).changes === 1
  }

  /**
   * Pins the first key of a host. Throws `host_key_changed` where another one is pinned, be it by another process of
   * this console a moment ago, and `not_found` for a host that has been forgotten.
   */
  pin(id: HostId, key: HostKey): StoredHost {
    const update = this.db.prepare(
      'UPDATE hosts SET pinned_key_type = ?, pinned_key_fingerprint = ? WHERE id = ? AND pinned_key_fingerprint IS NULL',
    )
    update.run(key.type, key.fingerprint, id)
    const host = this.get(id)
    if (host === undefined) throw new PilothouseError('not_found', `This console knows no host ${id}.`)
    if (host.pinnedKey?.fingerprint === key.fingerprint) return host
    throw new PilothouseError('host_key_changed', `Another key is pinned for ${host.name}; nothing was changed.`, {
      details: { key },
    })
  }

  setWanted(id: HostId, isWanted: boolean): void {
    this.db.prepare('UPDATE hosts SET is_wanted = ? WHERE id = ?').run(isWanted ? 1 : 0, id)
  }
}
