import {
  environmentIdSchema,
  environmentNameSchema,
  ownerNameSchema,
  type EnvironmentId,
  type EnvironmentName,
  type OwnerName,
} from '../../src-shared/model/ids.ts'
import type { Database } from './database.ts'

/** As much of a living environment as its protection is judged by. */
export interface ProtectedEnvironment {
  readonly id: EnvironmentId
  readonly name: EnvironmentName
  readonly owner: OwnerName
  /** Something was once made that can be backed up. */
  readonly hasHome: boolean
  readonly createdAt: number
}

interface Row {
  readonly id: string
  readonly name: string
  readonly owner: string
  readonly home_id: string | null
  readonly made_at: number | null
  readonly created_at: number
}

const SELECT = `
SELECT e.id, e.name, e.owner, e.created_at, h.id AS home_id, h.made_at
FROM environments e LEFT JOIN homes h ON h.id = e.home_id AND h.environment_id = e.id
WHERE e.destroyed_at IS NULL`
const ALL = `${SELECT} ORDER BY e.created_at, e.id`
const ONE = `${SELECT} AND e.id = +@id`

/**
 * Those that are not destroyed, oldest first, or one of them; `malformed` are those of which even that much cannot be
 * read. Without the environments' state, whose reading costs many times as much.
 */
export function listProtected(
  db: Database,
  id?: EnvironmentId,
): { readonly environments: ProtectedEnvironment[]; readonly malformed: EnvironmentId[] } {
  const rows = id === undefined ? db.all<Row>(ALL) : db.all<Row>(ONE, { id })
  const environments: ProtectedEnvironment[] = []
  const malformed: EnvironmentId[] = []
  for (const row of rows) {
    const environment = toProtected(row)
    if (environment !== undefined) environments.push(environment)
    else if (environmentIdSchema.safeParse(row.id).success) malformed.push(row.id as EnvironmentId)
  }
  return { environments, malformed }
}

function toProtected({ id, name, owner, home_id: homeId, made_at, created_at }: Row): ProtectedEnvironment | undefined {
  const named = environmentNameSchema.safeParse(name).data
  const owned = ownerNameSchema.safeParse(owner).data
  const isId = environmentIdSchema.safeParse(id).success
  if (!isId || named === undefined || owned === undefined || homeId === null) return undefined
  return { id: id as EnvironmentId, name: named, owner: owned, hasHome: made_at !== null, createdAt: created_at }
}
