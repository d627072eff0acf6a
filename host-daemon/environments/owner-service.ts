import type { Clock } from '../../src-shared/lib/clock.ts'
import type { OwnerName } from '../../src-shared/model/ids.ts'
import type { Owner, OwnerLimit } from '../../src-shared/model/owner.ts'
import type { Requester } from '../operations/requester.ts'
import type { OwnerRecord } from '../store/owners-table.ts'
import type { Store } from '../store/store.ts'

export interface OwnerInput {
  readonly name: OwnerName
  readonly note?: string | undefined
  readonly isActive?: boolean | undefined
  readonly limit?: OwnerLimit | undefined
}

const FRESH: Settled = { note: '', isActive: true, limit: 1 }

/** Who may own environments, and how many. */
export class OwnerService {
  private readonly store: Store
  private readonly clock: Clock

  constructor(deps: { readonly store: Store; readonly clock: Clock }) {
    this.store = deps.store
    this.clock = deps.clock
  }

  list(): Owner[] {
    return this.store.owners.list()
  }

  /**
   * Adds the owner, or changes what is given. A lower limit, or an owner that is no longer active, takes nothing away and
   * only forbids more. Nothing is written and nothing recorded where nothing changes.
   */
  put(input: OwnerInput, caller: Requester): Owner {
    return this.store.db.transaction(() => {
      const before = this.store.owners.find(input.name)
      const after = merge(input, before ?? FRESH)
      if (before !== undefined && isSame(before, after)) return before
      this.store.owners.put(after)
      this.record(caller, before, after)
      return this.written(input.name)
    })
  }

  /** Makes sure that the owner exists; one that exists is left as it is. */
  ensure(owner: OwnerRecord): void {
    this.store.db.transaction(() => {
      if (this.store.owners.find(owner.name) !== undefined) return
      this.store.owners.put(owner)
      this.record(null, undefined, owner)
    })
  }

  /** The owner as it is now, and as it was; null where it is new. Without a caller the settings asked for it. */
  private record(caller: Requester | null, known: Owner | undefined, after: OwnerRecord): void {
    const { actor, requestId } = caller ?? { actor: null, requestId: null }
    const before = known === undefined ? null : merge({ name: known.name }, known)
    const about = { action: 'owner.put', outcome: 'succeeded', operationId: null, environmentId: null }
    this.store.activity.append({ ...about, at: this.clock.now(), actor, requestId, detail: { ...after, before } })
  }

  private written(name: OwnerName): Owner {
    const owner = this.store.owners.find(name)
    if (owner === undefined) throw new Error(`Owner ${name} was not written`)
    return owner
  }
}

type Settled = Omit<OwnerRecord, 'name'>

function merge({ name, note, isActive, limit }: OwnerInput, known: Settled): OwnerRecord {
  return {
    name,
    note: note ?? known.note,
    isActive: isActive ?? known.isActive,
    limit: limit ?? known.limit,
  }
}

function isSame(one: Settled, other: Settled): boolean {
  return one.note === other.note && one.isActive === other.isActive && one.limit === other.limit
}
