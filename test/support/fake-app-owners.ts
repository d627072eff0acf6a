import type { Owner, OwnerLimit } from '../../src-shared/model/owner.ts'

interface OwnerChange {
  readonly name: Owner['name']
  readonly note?: string | undefined
  readonly isActive?: boolean | undefined
  readonly limit?: OwnerLimit | undefined
}

/** Writes an owner into the list as the daemon would: what is not given stays, a new one starts active with 1. */
export function putFakeOwner(owners: Owner[], { name, note, isActive, limit }: OwnerChange): Owner {
  const index = owners.findIndex((each) => each.name === name)
  const known = owners[index] ?? { name, note: '', isActive: true, limit: 1, environmentCount: 0 }
  const owner = {
    ...known,
    note: note ?? known.note,
    isActive: isActive ?? known.isActive,
    limit: limit ?? known.limit,
  }
  owners.splice(index < 0 ? owners.length : index, 1, owner)
  return owner
}
