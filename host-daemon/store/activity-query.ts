import type { EnvironmentId, OperationId, RequestId } from '../../src-shared/model/ids.ts'

/** Which entries, in which order. What is absent does not narrow. */
export interface ActivityQuery {
  readonly environmentId?: EnvironmentId | undefined
  readonly operation?: OperationId | undefined
  readonly request?: RequestId | undefined
  readonly user?: string | undefined
  /** The action itself, or the part of it before a dot. */
  readonly action?: string | undefined
  readonly outcome?: string | undefined
  /** Only entries after, or before, this sequence number. */
  readonly after?: number | undefined
  readonly before?: number | undefined
  readonly order?: 'newest_first' | 'oldest_first' | undefined
  readonly limit?: number | undefined
}

type Narrowing = keyof Omit<ActivityQuery, 'order' | 'limit'>

const CONDITIONS: { readonly [Name in Narrowing]: string } = {
  environmentId: 'environment_id = @environmentId',
  operation: 'operation_id = @operation',
  request: 'request_id = @request',
  user: 'user = @user',
  // The character after a dot is a slash: everything that begins with the action and a dot lies between the two.
  action: `(action = @action OR (action > @action || '.' AND action < @action || '/'))`,
  outcome: 'outcome = @outcome',
  after: 'seq > @after',
  before: 'seq < @before',
}

const NAMES = Object.keys(CONDITIONS) as Narrowing[]

/** One statement and its values; without a limit, everything, oldest first unless said. */
export function selectActivity(query: ActivityQuery): { sql: string; bindings: Record<string, string | number> } {
  const given = NAMES.filter((name) => query[name] !== undefined)
  const where = given.length === 0 ? '' : `WHERE ${given.map((name) => CONDITIONS[name]).join(' AND ')}`
  const direction = query.order === 'newest_first' ? 'DESC' : 'ASC'
  const values = given.map((name) => [name, query[name] as string | number] as const)
  return {
    sql: `SELECT * FROM activity ${where} ORDER BY seq ${direction} LIMIT @limit`,
    bindings: { ...Object.fromEntries(values), limit: query.limit ?? -1 },
  }
}
