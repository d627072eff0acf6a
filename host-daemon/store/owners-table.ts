import { ownerNameSchema, type OwnerName } from '../../src-shared/model/ids.ts'
import { ownerLimitSchema, ownerSchema, type Owner, type OwnerLimit } from '../../src-shared/model/owner.ts'
import type { Database } from './database.ts'

interface OwnerRow {
  name: string
  note: string
  is_active: number
  max_environments: number | null
  environment_count: number
}

const SELECT = `
SELECT o.*, (SELECT COUNT(*) FROM environments e WHERE e.owner = o.name AND e.destroyed_at IS NULL AND e.is_counted = 1) AS environment_count
FROM owners o`

const UPSERT = `
INSERT INTO owners (name, note, is_active, max_environments) VALUES (@name, @note, @isActive, @max)
ON CONFLICT (name) DO UPDATE SET note = @note, is_active = @isActive, max_environments = @max`

export type OwnerRecord = Omit<Owner, 'environmentCount'>

/** The allowlist of owners. */
export class OwnersTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  find(name: OwnerName): Owner | undefined {
    const row = this.db.get<OwnerRow>(`${SELECT} WHERE o.name = @name`, { name })
    return row === undefined ? undefined : toOwner(row)
  }

  /** Without those whose name is none: nothing could be asked of them. */
  list(): Owner[] {
    return this.rows().filter(isNamed).map(toOwner)
  }

  /** How many rows have no proper name, and are in no list therefore. */
  countNameless(): number {
    return this.rows().filter((row) => !isNamed(row)).length
  }

  put(owner: OwnerRecord): void {
    const max = owner.limit === 'unlimited' ? null : owner.limit
    this.db.run(UPSERT, { name: owner.name, note: owner.note, isActive: owner.isActive ? 1 : 0, max })
  }

  private rows(): OwnerRow[] {
    return this.db.all<OwnerRow>(`${SELECT} ORDER BY o.name`)
  }
}

function isNamed({ name }: OwnerRow): boolean {
  return ownerNameSchema.safeParse(name).success
}

/** A note that is none is left out; a limit that is none forbids whatever it can. */
function toOwner(row: OwnerRow): Owner {
  const limit: OwnerLimit = row.max_environments ?? 'unlimited'
  return {
    name: row.name as OwnerName,
    note: ownerSchema.shape.note.safeParse(row.note).data ?? '',
    isActive: row.is_active === 1,
    limit: ownerLimitSchema.safeParse(limit).data ?? 1,
    environmentCount: row.environment_count,
  }
}
