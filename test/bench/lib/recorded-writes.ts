import { Database } from '../../../host-daemon/store/database.ts'

export interface RecordedStatement {
  readonly sql: string
  readonly bindings: Record<string, string | number | null>
}

/** The writes of one transaction, in their order. */
export type RecordedTransaction = readonly RecordedStatement[]

/** The transactions that one commit made durable, in their order. */
export type RecordedCommit = readonly RecordedTransaction[]

type Run = (this: Database, sql: string, bindings?: RecordedStatement['bindings']) => number
type Atomic = (this: Database, work: () => unknown) => unknown

/** Records what every database of this process writes, until it is stopped. Reaches in from outside. */
export function recordWrites(): { stop(): RecordedCommit[] } {
  const run: Run = Reflect.get(Database.prototype, 'run')
  const transaction = Reflect.get(Database.prototype, 'transaction') as Atomic
  const savepoint = Reflect.get(Database.prototype, 'savepoint') as Atomic
  const commits: RecordedCommit[] = []
  let commit: RecordedTransaction[] | undefined
  let open: RecordedStatement[] = []
  /** What is done is kept once it is done, so that nothing of what was undone is. */
  const recorded = (database: Database, act: Atomic, work: () => unknown): unknown => {
    const outer = open
    open = []
    try {
      const result = act.call(database, work)
      if (open.length > 0) commit?.push(open)
      return result
    } finally {
      open = outer
    }
  }
  const hooks: { run: Run; transaction: Atomic; savepoint: Atomic } = {
    run(sql, bindings) {
      open.push({ sql, bindings: { ...bindings } })
      return run.call(this, sql, bindings)
    },
    savepoint(work) {
      return recorded(this, savepoint, work)
    },
    transaction(work) {
      if (commit !== undefined) return transaction.call(this, work)
      commit = []
      try {
        const result = recorded(this, transaction, work)
        if (commit.length > 0) commits.push(commit)
        return result
      } finally {
        commit = undefined
      }
    },
  }
  Object.assign(Database.prototype, hooks)
  return {
    stop: () => {
      Object.assign(Database.prototype, { run, transaction, savepoint })
      return commits
    },
  }
}
