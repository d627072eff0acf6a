import { Database } from '../../../host-daemon/store/database.ts'

export interface RecordedStatement {
  readonly sql: string
  readonly bindings: Record<string, string | number | null>
}

/** The writes of one transaction, in their order. */
export type RecordedTransaction = readonly RecordedStatement[]

type Run = (this: Database, sql: string, bindings?: RecordedStatement['bindings']) => number
type Transaction = (this: Database, work: () => unknown) => unknown

/** Records what every database of this process writes, until it is stopped. Reaches in from outside. */
export function recordWrites(): { stop(): RecordedTransaction[] } {
  const run: Run = Reflect.get(Database.prototype, 'run')
  const transaction: Transaction = Reflect.get(Database.prototype, 'transaction')
  const done: RecordedStatement[][] = []
  let open: RecordedStatement[] | undefined
  Database.prototype.run = function (sql, bindings) {
    open?.push({ sql, bindings: { ...bindings } })
    return run.call(this, sql, bindings)
  }
  Database.prototype.transaction = function <T>(work: () => T): T {
    if (open !== undefined) return transaction.call(this, work) as T
    open = []
    try {
      const result = transaction.call(this, work) as T
      if (open.length > 0) done.push(open)
      return result
    } finally {
      open = undefined
    }
  }
  return {
    stop: () => {
      Object.assign(Database.prototype, { run, transaction })
      return done
    },
  }
}
