import type { EnvironmentId } from '../../src-shared/model/ids.ts'
import type { BackupState } from '../store/backup-states-table.ts'
import type { CommittedChange } from '../store/database.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import type { NewestPoint } from '../store/points-table.ts'
import { listProtected, type ProtectedEnvironment } from '../store/protected-environments.ts'
import type { Store } from '../store/store.ts'

/** What the record says of one environment's protection; nothing in it depends on the time. */
export interface ProtectionFacts {
  readonly environment: Pick<ProtectedEnvironment, 'id' | 'name' | 'owner' | 'hasHome'>
  readonly state: BackupState
  readonly newest: NewestPoint | undefined
  readonly kept: KeptHome | undefined
  /** Set aside until somebody gives them up. */
  readonly forReview: readonly KeptHome[]
  /** Of the environment's own row: it goes by the names that stand in for what cannot be read. */
  readonly malformation: string | null
}

/** With more changes than this, all of it is read anew: that costs less than so many single reads. */
const MOST_SINGLE_READS = 50

/**
 * The record of how well environments are protected. All of it is read once, by the same few queries however many there
 * are; from then on only what a committed change touched, or everything after another connection has written. An answer
 * is what is on record when it is given.
 */
export class ProtectionRecord {
  private readonly store: Store
  /** In the order of the answer. */
  private known = new Map<EnvironmentId, ProtectionFacts>()
  private readonly touched = new Set<EnvironmentId>()
  private othersVersion: number | undefined

  constructor(store: Store) {
    this.store = store
    store.db.onCommitted((change) => this.hear(change))
  }

  /** Of every environment that is not destroyed, oldest first; those whose own rows are malformed come last. */
  all(): Iterable<ProtectionFacts> {
    const version = this.store.db.get<{ data_version: number }>('PRAGMA data_version')?.data_version
    if (version !== this.othersVersion || this.touched.size > MOST_SINGLE_READS || !this.hasRefreshed()) {
      this.known = new Map([...this.readAll()].map((facts) => [facts.environment.id, facts]))
      this.othersVersion = version
    }
    this.touched.clear()
    return this.known.values()
  }

  /** Read anew each time. Undefined once it is destroyed. */
  of(id: EnvironmentId): ProtectionFacts | undefined {
    const { store } = this
    const { environments, malformed } = listProtected(store.db, id)
    const state = store.backupStates.of(id)
    const homes = store.keptHomes.allOf(id)
    const kept = homes.find(({ purpose }) => purpose === 'undo')
    const forReview = homes.filter(({ purpose }) => purpose === 'review')
    const facts = { state, newest: store.points.newest(id).get(id), kept, forReview }
    const [environment] = environments
    if (environment !== undefined) return { environment, ...facts, malformation: null }
    return malformed.includes(id) ? this.malformed(id, facts) : undefined
  }

  private hear(change: CommittedChange): void {
    for (const { kind, id } of change) {
      if (kind === 'environment' || kind === 'backup') this.touched.add(id as EnvironmentId)
    }
  }

  /** False where the order may have changed: it is a new one, or its own row has become readable or malformed. */
  private hasRefreshed(): boolean {
    for (const [id, { malformation }] of this.known) if (malformation !== null) this.touched.add(id)
    for (const id of this.touched) {
      const [before, now] = [this.known.get(id), this.of(id)]
      const wasSound = before?.malformation === null
      if (now === undefined) this.known.delete(id)
      else if (before !== undefined && wasSound === (now.malformation === null)) this.known.set(id, now)
      else return false
    }
    return true
  }

  private *readAll(): Generator<ProtectionFacts> {
    const { store } = this
    const { environments, malformed } = listProtected(store.db)
    const [states, newest] = [store.backupStates.all(), store.points.newest()]
    const kept = new Map(store.keptHomes.allForUndo().map((home) => [home.environmentId, home]))
    const forReview = Map.groupBy(store.keptHomes.allForReview(), (home) => home.environmentId)
    const factsOf = (id: EnvironmentId) => {
      const state = states.get(id) ?? store.backupStates.none(id)
      return { state, newest: newest.get(id), kept: kept.get(id), forReview: forReview.get(id) ?? [] }
    }
    for (const environment of environments) yield { environment, ...factsOf(environment.id), malformation: null }
    for (const id of malformed) {
      const facts = this.malformed(id, factsOf(id))
      if (facts !== undefined) yield facts
    }
  }

  private malformed(
    id: EnvironmentId,
    facts: Omit<ProtectionFacts, 'environment' | 'malformation'>,
  ): ProtectionFacts | undefined {
    const environment = this.store.environments.find(id)
    if (environment === undefined) return undefined
    const { name, owner, quarantine } = environment
    const malformation = quarantine ?? 'The record of its home is malformed.'
    return { environment: { id, name, owner, hasHome: true }, ...facts, malformation }
  }
}
