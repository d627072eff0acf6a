import type { DriverKind, EnvironmentSize, ObservedState } from '../../src-shared/model/environment.ts'
import {
  homeIdSchema,
  type BootId,
  type EnvironmentId,
  type EnvironmentName,
  type EnvironmentRef,
  type HomeId,
  type ImageRef,
  type OwnerName,
} from '../../src-shared/model/ids.ts'
import type { Labels } from '../../src-shared/model/labels.ts'
import { summaryOf, type Startup } from '../../src-shared/model/startup.ts'
import type { Database } from './database.ts'
import { idOfStandIn, toEnvironment, type EnvironmentRow, type StoredEnvironment } from './environment-row.ts'
import {
  DRILLING_MEMORY,
  GIVING_WAY_MEMORY,
  FIND,
  FIND_LIVE,
  FIND_LIVE_BY_NAME,
  FORGET,
  FORGETTABLE,
  GROWING_HOMES,
  GROWING_MEMORY,
  HAS_ID,
  HOMES_OF,
  INSERT,
  SELECT,
} from './environments-sql.ts'

/** What a host takes on at most; null: no limit of that kind. */
export interface HostCapacity {
  readonly environments: number | null
  /** Memory of all environments that are meant to run, and of the guests of drills that may be there. */
  readonly memoryMiB: number | null
  /** Size of the homes that environments have, at their full size; not of homes that are kept, or made for a drill. */
  readonly homeMiB: number | null
}

export interface NewEnvironment {
  readonly id: EnvironmentId
  readonly name: EnvironmentName
  readonly owner: OwnerName
  readonly image: ImageRef
  readonly driver: DriverKind
  readonly size: EnvironmentSize
  readonly homeId: HomeId
  readonly labels: Labels
  readonly startup: Startup | null
  readonly observed: ObservedState
  readonly now: number
}

export interface InsertLimits {
  readonly capacity: HostCapacity
  /** Guest uids are `[uidBase, uidBase + uidCount)`. */
  readonly uidBase: number
  readonly uidCount: number
}

/** What the host has given away. */
export interface HostUsage {
  readonly environments: number
  readonly memoryMiB: number
  readonly homeMiB: number
}

/** Environments and homes. Every write says which environment it changed. */
export class EnvironmentsTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  /** Destroyed ones too. */
  find(id: EnvironmentId): StoredEnvironment | undefined {
    const row = this.db.get<EnvironmentRow>(FIND, { id })
    return row === undefined ? undefined : toEnvironment(row)
  }

  /** A live one by id or, failing that, by name. */
  resolve(ref: EnvironmentRef): StoredEnvironment | undefined {
    const row =
      this.db.get<EnvironmentRow>(FIND_LIVE, { id: ref }) ??
      this.db.get<EnvironmentRow>(FIND_LIVE_BY_NAME, { name: ref })
    return row === undefined ? this.resolveStandIn(ref) : toEnvironment(row)
  }

  /** One whose own name is malformed goes by another. */
  private resolveStandIn(ref: EnvironmentRef): StoredEnvironment | undefined {
    const found = this.find(idOfStandIn(ref))
    return found?.name === ref && found.destroyedAt === null ? found : undefined
  }

  /** All live ones, oldest first. A row without a proper id stands for none: nothing could be asked of it. */
  list(): StoredEnvironment[] {
    const sql = `${SELECT} WHERE e.destroyed_at IS NULL AND ${HAS_ID} ORDER BY e.created_at, e.id`
    return this.db.all<EnvironmentRow>(sql).map(toEnvironment)
  }

  /** How many live rows have no proper id, and are in no list therefore. */
  countNameless(): number {
    const sql = `SELECT COUNT(*) AS count FROM environments e WHERE e.destroyed_at IS NULL AND NOT (${HAS_ID})`
    return this.db.get<{ count: number }>(sql)?.count ?? 0
  }

  /** False when a limit, or the owner, forbids it; then nothing was written. Throws for a name that is taken. */
  insertWithinLimits(environment: NewEnvironment, limits: InsertLimits): boolean {
    const { size, homeId, observed, labels, startup, ...fields } = environment
    const { capacity, ...uids } = limits
    const inserted = this.db.run(INSERT, {
      ...fields,
      ...size,
      ...uids,
      homeId,
      observed: JSON.stringify(observed),
      labels: JSON.stringify(labels),
      startupSummary: startup === null ? null : JSON.stringify(summaryOf(startup)),
      maxEnvironments: capacity.environments,
      maxMemoryMiB: capacity.memoryMiB,
      maxHomeMiB: capacity.homeMiB,
    })
    if (inserted === 0) return false
    const home = 'INSERT INTO homes (id, environment_id, size_mib) VALUES (@homeId, @id, @homeMiB)'
    this.db.run(home, { homeId, id: fields.id, homeMiB: size.homeMiB })
    if (startup !== null) this.insertStartup(fields.id, startup)
    this.db.touch('environment', fields.id)
    return true
  }

  /** What is given away, to what is under way too: resizes, and guests of drills. */
  usage(): HostUsage {
    const sql = `
      SELECT COUNT(*) AS environments, COALESCE(SUM(home_mib), 0) + ${GROWING_HOMES} AS homeMiB,
        COALESCE(SUM(CASE WHEN desired = 'running' THEN memory_mib END), 0)
          + ${GROWING_MEMORY} + ${DRILLING_MEMORY} AS memoryMiB
      FROM environments WHERE destroyed_at IS NULL`
    return this.db.get<HostUsage>(sql) ?? { environments: 0, memoryMiB: 0, homeMiB: 0 }
  }

  /** How much of what is in use, in MiB, running drills of the environment give up to whatever brings it up. */
  memoryGivingWayTo(id: EnvironmentId): number {
    return this.db.get<{ memoryMiB: number }>(GIVING_WAY_MEMORY, { id })?.memoryMiB ?? 0
  }

  /** What the guest is told at every start; null where nothing is. Never to be logged. */
  startupOf(id: EnvironmentId): Startup | null {
    const row = this.db.get<{ payload: string }>('SELECT payload FROM startups WHERE environment_id = @id', { id })
    return row === undefined ? null : (JSON.parse(row.payload) as Startup)
  }

  private insertStartup(id: EnvironmentId, startup: Startup): void {
    const sql = 'INSERT INTO startups (environment_id, payload) VALUES (@id, @payload)'
    this.db.run(sql, { id, payload: JSON.stringify(startup) })
  }

  /** Throws for a name that is taken. */
  setName(id: EnvironmentId, name: EnvironmentName): void {
    this.change(id, 'UPDATE environments SET name = @name WHERE id = @id', { name })
  }

  setLabels(id: EnvironmentId, labels: Labels): void {
    this.change(id, 'UPDATE environments SET labels = @labels WHERE id = @id', { labels: JSON.stringify(labels) })
  }

  /** The guard of automatic recovery: set with the acceptance, cleared once the environment is well again. */
  setAutoRecovered(id: EnvironmentId, at: number | null): void {
    this.change(id, 'UPDATE environments SET auto_recovered_at = @at WHERE id = @id', { at })
  }

  /** A spawn that failed without a home counts no more. */
  setUncounted(id: EnvironmentId): void {
    this.change(id, 'UPDATE environments SET is_counted = 0 WHERE id = @id')
  }

  /** False where the owner's limit or activity forbids it; then nothing was written. True also for one that counts. */
  countAgain(id: EnvironmentId): boolean {
    const sql = `
      UPDATE environments SET is_counted = 1 WHERE id = @id AND (is_counted = 1 OR EXISTS (
        SELECT 1 FROM owners o WHERE o.name = environments.owner AND o.is_active = 1 AND (o.max_environments IS NULL
          OR (SELECT COUNT(*) FROM environments l WHERE l.owner = o.name AND l.destroyed_at IS NULL AND l.is_counted = 1)
            < o.max_environments)))`
    const changed = this.db.run(sql, { id })
    if (changed > 0) this.db.touch('environment', id)
    return changed > 0
  }

  /** Sizes of guest and home; the home's own row too. */
  setSize(id: EnvironmentId, size: EnvironmentSize): void {
    const sql = 'UPDATE environments SET cpus = @cpus, memory_mib = @memoryMiB, home_mib = @homeMiB WHERE id = @id'
    this.change(id, sql, { ...size })
    const home = 'UPDATE homes SET size_mib = @homeMiB WHERE id = (SELECT home_id FROM environments WHERE id = @id)'
    this.db.run(home, { id, homeMiB: size.homeMiB })
  }

  /** A further home of the environment, not yet made, and not the one that its guest uses. */
  insertHome(id: EnvironmentId, { homeId, sizeMiB }: { readonly homeId: HomeId; readonly sizeMiB: number }): void {
    const sql = 'INSERT OR IGNORE INTO homes (id, environment_id, size_mib) VALUES (@homeId, @id, @sizeMiB)'
    this.db.run(sql, { id, homeId, sizeMiB })
  }

  /** Points the environment at another of its homes. */
  setHome(id: EnvironmentId, homeId: HomeId): void {
    this.change(id, 'UPDATE environments SET home_id = @homeId WHERE id = @id', { homeId })
  }

  /** Positive evidence that the home is gone, or null: it is there. */
  setHomeGone(id: EnvironmentId, at: number | null): void {
    const sql = 'UPDATE homes SET gone_at = @at WHERE id = (SELECT home_id FROM environments WHERE id = @id)'
    this.change(id, sql, { at })
  }

  setObserved(id: EnvironmentId, observed: ObservedState, at: number): void {
    const sql = 'UPDATE environments SET observed = @observed, observed_at = @at WHERE id = @id'
    this.change(id, sql, { observed: JSON.stringify(observed), at })
  }

  setDesired(id: EnvironmentId, desired: 'running' | 'stopped'): void {
    this.change(id, 'UPDATE environments SET desired = @desired WHERE id = @id', { desired })
  }

  raiseGeneration(id: EnvironmentId): void {
    // A malformed one does not keep its environment from being destroyed.
    const sql = 'UPDATE environments SET generation = MIN(MAX(generation, 0), 9007199254740990) + 1 WHERE id = @id'
    this.change(id, sql)
  }

  setProtected(id: EnvironmentId, isProtected: boolean): void {
    const sql = 'UPDATE environments SET is_protected = @isProtected WHERE id = @id'
    this.change(id, sql, { isProtected: isProtected ? 1 : 0 })
  }

  setBoot(id: EnvironmentId, bootId: BootId): void {
    this.change(id, 'UPDATE environments SET boot_id = @bootId WHERE id = @id', { bootId })
  }

  /** What its guest was told is forgotten at once; the rest of the record outlives it. */
  setDestroyed(id: EnvironmentId, at: number): void {
    this.db.run('DELETE FROM startups WHERE environment_id = @id', { id })
    this.change(id, 'UPDATE environments SET destroyed_at = @at WHERE id = @id', { at })
  }

  /** As recorded, in MiB; null for a home that is not on record. */
  homeSizeOf(homeId: HomeId): number | null {
    const row = this.db.get<{ size_mib: number }>('SELECT size_mib FROM homes WHERE id = @homeId', { homeId })
    return row?.size_mib ?? null
  }

  /** When the home's creation was confirmed; null: no data can be in it. */
  homeMadeAt(homeId: HomeId): number | null {
    const row = this.db.get<{ made_at: number | null }>('SELECT made_at FROM homes WHERE id = @homeId', { homeId })
    return row?.made_at ?? null
  }

  setHomeMade(homeId: HomeId, at: number): void {
    const sql =
      'UPDATE homes SET made_at = COALESCE(made_at, @at) WHERE id = @homeId RETURNING environment_id AS environmentId'
    const home = this.db.get<{ environmentId: string }>(sql, { homeId, at })
    // There is something to back up from now on.
    if (home !== undefined) this.db.touch('backup', home.environmentId)
  }

  setHomeRemoved(homeId: HomeId, at: number): void {
    this.db.run('UPDATE homes SET removed_at = @at WHERE id = @homeId', { homeId, at })
  }

  /** Every home of the environment that has not been removed; without those whose id is no id. */
  homesOf(id: EnvironmentId): HomeId[] {
    const ids = this.db.all<{ id: HomeId }>(HOMES_OF, { id }).map((row) => row.id)
    return ids.filter((homeId) => homeIdSchema.safeParse(homeId).success)
  }

  /**
   * Forgets destroyed environments that no operation is kept of any more, with their homes' and boots' rows and their
   * tickets. One with a home that was made and never removed is kept: something of it may still be there.
   */
  prune(before: number): number {
    const forgettable = this.db.all<{ id: EnvironmentId }>(FORGETTABLE, { before })
    for (const { id } of forgettable) for (const sql of FORGET) this.db.run(sql, { id })
    return forgettable.length
  }

  private change(id: EnvironmentId, sql: string, bindings: Record<string, string | number | null> = {}): void {
    this.db.run(sql, { ...bindings, id })
    this.db.touch('environment', id)
  }
}
