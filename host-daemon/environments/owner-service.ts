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

const FRESH = { note: '', isActive: true, limit: 1 } as const

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

  /** Adds the owner, or changes what is given. A lower limit takes nothing away; it only forbids more. */
  put(input: OwnerInput, caller: Requester): Owner {
    const { actor, requestId } = caller
    return this.store.db.transaction(() => {
      const owner = this.merge(input)
      this.store.owners.put(owner)
      const about = { action: 'owner.put', outcome: 'succeeded', operationId: null, environmentId: null }
      this.store.activity.append({ ...about, at: this.clock.now(), actor, requestId, detail: { ...owner } })
      return this.written(input.name)
    })
  }

  /** Makes sure that the owner exists; one that exists is left as it is. */
  ensure(owner: OwnerRecord): void {
    this.store.db.transaction(() => {
      if (this.store.owners.find(owner.name) === undefined) this.store.owners.put(owner)
    })
  }

  private merge({ name, note, isActive, limit }: OwnerInput): OwnerRecord {
    const known = this.store.owners.find(name) ?? FRESH
    return {
      name,
      note: note ?? known.note,
      isActive: isActive ?? known.isActive,
      limit: limit ?? known.limit,
    }
  }

  private written(name: OwnerName): Owner {
    const owner = this.store.owners.find(name)
    if (owner === undefined) throw new Error(`Owner ${name} was not written`)
    return owner
  }
}
