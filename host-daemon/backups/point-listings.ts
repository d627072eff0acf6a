import { PilothouseError } from '../../src-shared/error.ts'
import type { RecoveryPointId } from '../../src-shared/model/ids.ts'
import type { StoredPoint } from '../store/points-table.ts'
import type { Listing } from './compare-listings.ts'
import { Listings } from './listings.ts'
import type { RepositoryCall } from './point-repository.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { useRepository } from './repository-work.ts'

/** What is in points, from the listings that are kept with them; one that is not kept is asked of the repository once. */
export class PointListings {
  private readonly recovery: RecoveryToolkit
  private readonly listings: Listings

  constructor(recovery: RecoveryToolkit) {
    this.recovery = recovery
    this.listings = new Listings(recovery.folders.listings)
  }

  /** Asks the repository and keeps the answer. Rejects with the repository's codes, and when it cannot be kept. */
  async make(point: StoredPoint, call: RepositoryCall): Promise<void> {
    const { recovery } = this
    const { id, environmentId } = point
    const repository = recovery.repositories.at(point.repository)
    const use = { environmentId, repository, isAlone: false, isAfterCrash: false, call }
    await this.listings.make(id, (onEntry) =>
      useRepository(recovery, use, () => repository.listEntries({ ...call, point: id, onEntry })),
    )
    recovery.store.db.transaction(() => recovery.store.points.setListed(point, true))
  }

  /**
   * Has `work` read the listings of these points, in tree order, as often as it likes. One that turns out to be damaged
   * is made anew, and the work is done again, once.
   */
  async read<T>(
    points: readonly StoredPoint[],
    call: RepositoryCall,
    work: (open: (point: StoredPoint) => Listing) => Promise<T>,
  ): Promise<T> {
    for (const point of points) if (!this.isKept(point)) await this.make(point, call)
    const open = ({ id }: StoredPoint) => this.listings.read(id)
    try {
      return await work(open)
    } catch (error) {
      if (error instanceof PilothouseError || call.signal.aborted) throw error
      this.recovery.logger.warn({ err: error, points: points.map(({ id }) => id) }, 'A listing is made anew')
      for (const point of points) await this.make(point, call)
      return await work(open)
    }
  }

  /** Of a point that is no longer there. Nothing where none is kept. */
  async remove(point: Pick<StoredPoint, 'id' | 'environmentId'>): Promise<void> {
    const { store } = this.recovery
    await this.listings.remove(point.id)
    store.db.transaction(() => store.points.setListed(point, false))
  }

  private isKept({ id }: { readonly id: RecoveryPointId }): boolean {
    return this.recovery.store.points.find(id)?.hasListing === true
  }
}
