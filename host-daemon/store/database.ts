import BetterSqlite3 from 'better-sqlite3'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { Disposable } from '../../src-shared/lib/disposable.ts'
import type { Logger } from '../system/logger.ts'
import { assertSchema } from './assertions.ts'
import { refusing } from './check-database.ts'
import { GroupCommit } from './group-commit.ts'
import { migrate, refuseNewer } from './migrate.ts'
import { MIGRATIONS } from './migrations/index.ts'

export type EntityKind = 'environment' | 'operation' | 'backup' | 'boot'

/** What one transaction changed, each entity once, in the order of first change. */
export type CommittedChange = readonly { readonly kind: EntityKind; readonly id: string }[]

type Touched = Map<string, CommittedChange[number]>
type Row = Record<string, unknown>
type Bindings = Record<string, string | number | null>
type Statement = BetterSqlite3.Statement<[Bindings], Row>

const BUSY_TIMEOUT_MS = 5_000

/**
 * One SQLite connection. Statements are prepared once; writes happen in transactions, and whoever listens hears of
 * every committed change of an entity right after its commit, in the same turn of the event loop, so that reading
 * the state and numbering its events never disagree.
 */
export class Database implements Disposable {
  private readonly raw: BetterSqlite3.Database
  /** A transaction of its own, or a savepoint inside of one. */
  private readonly atomically: BetterSqlite3.Transaction<(work: () => unknown) => unknown>
  private readonly group: GroupCommit
  private readonly statements = new Map<string, Statement>()
  private readonly listeners = new Set<(change: CommittedChange) => void>()
  private touched: Touched | undefined

  private readonly logger: Logger | undefined

  constructor(raw: BetterSqlite3.Database, logger?: Logger) {
    this.raw = raw
    this.logger = logger
    this.atomically = raw.transaction((work) => work())
    this.group = new GroupCommit({
      commit: (work) => this.transaction(work),
      attempt: (work) => this.savepoint(work),
      isInTransaction: () => raw.inTransaction,
    })
  }

  run(sql: string, bindings: Bindings = {}): number {
    return this.prepared(sql).run(bindings).changes
  }

  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the row's shape is the query's
  get<T>(sql: string, bindings: Bindings = {}): T | undefined {
    return this.prepared(sql).get(bindings) as T | undefined
  }

  all<T>(sql: string, bindings: Bindings = {}): T[] {
    return this.prepared(sql).all(bindings) as T[]
  }

  /** All or nothing; durable when it returns. An inner call joins the outer transaction. */
  transaction<T>(work: () => T): T {
    if (this.raw.inTransaction) return work()
    const touched: Touched = new Map()
    this.touched = touched
    let result: T
    try {
      result = this.atomically.immediate(work) as T
    } finally {
      this.touched = undefined
    }
    if (touched.size > 0) this.tell([...touched.values()])
    return result
  }

  /**
   * All or nothing; durable when it resolves. Whatever is asked for in the same turn of the event loop shares one
   * commit, and with it one sync of the disk, in the order in which it was asked for. A work that throws undoes itself
   * alone. It runs a turn later than it is asked for, so what it decides by is read inside; and it runs again, by
   * itself, where the shared commit fails, so it has no effects but those in the database.
   */
  together<T>(work: () => T): Promise<T> {
    return this.group.add(work)
  }

  /** Says that the running transaction changed an entity. Tables call it in every write. */
  touch(kind: EntityKind, id: string): void {
    if (this.touched === undefined) throw new Error(`A ${kind} may only be changed inside a transaction`)
    this.touched.set(`${kind} ${id}`, { kind, id })
  }

  /** What a listener throws is logged and changes nothing: the commit has already happened. */
  onCommitted(listener: (change: CommittedChange) => void): Disposable {
    this.listeners.add(listener)
    return { dispose: () => this.listeners.delete(listener) }
  }

  dispose(): void {
    this.statements.clear()
    this.raw.close()
  }

  /** A part of the running transaction: what it throws undoes it alone, unless SQLite undid all of it. */
  private savepoint<T>(work: () => T): T {
    const outer = this.touched
    const touched: Touched = new Map()
    this.touched = touched
    try {
      const result = this.atomically(work) as T
      for (const [key, entity] of touched) outer?.set(key, entity)
      return result
    } finally {
      this.touched = outer
    }
  }

  private tell(change: CommittedChange): void {
    for (const listener of this.listeners) {
      try {
        listener(change)
      } catch (error) {
        this.logger?.error({ err: error, change }, 'A listener failed to hear of a change')
      }
    }
  }

  private prepared(sql: string): Statement {
    const known = this.statements.get(sql)
    if (known !== undefined) return known
    const statement = this.raw.prepare<[Bindings], Row>(sql)
    this.statements.set(sql, statement)
    return statement
  }
}

interface OpenOptions {
  readonly clock: Clock
  readonly logger?: Logger
}

/**
 * Opens the daemon's database, brings it to this version's schema and asserts what the code relies on. Throws
 * `StartRefusal`, saying what to do, for one that cannot be used, such as one written by a newer version.
 */
export function openDatabase(path: string, options: OpenOptions): Database {
  return refusing(path, () => open(path, options))
}

function open(path: string, options: OpenOptions): Database {
  const raw = new BetterSqlite3(path, { timeout: BUSY_TIMEOUT_MS })
  try {
    refuseNewer(raw, MIGRATIONS)
    raw.pragma('journal_mode = WAL')
    raw.pragma('synchronous = FULL')
    raw.pragma('foreign_keys = ON')
    migrate(raw, { migrations: MIGRATIONS, appliedAt: options.clock.now() })
    assertSchema(raw)
    return new Database(raw, options.logger)
  } catch (error) {
    raw.close()
    throw error
  }
}

/** The statement broke a UNIQUE index or a primary key. The transaction it ran in goes on. */
export function isUniqueViolation(error: unknown): boolean {
  return error instanceof BetterSqlite3.SqliteError && /^SQLITE_CONSTRAINT_(UNIQUE|PRIMARYKEY)$/.test(error.code)
}
