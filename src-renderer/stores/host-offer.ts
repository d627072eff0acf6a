import { computed, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue'
import type { Failure } from '../../src-shared/error.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import type { Image } from '../../src-shared/model/image.ts'
import type { Owner } from '../../src-shared/model/owner.ts'
import { failureOf, useApi } from '../api.ts'

export interface HostOffer {
  readonly owners: ShallowRef<Owner[]>
  readonly images: ShallowRef<Image[]>
  readonly isLoading: ComputedRef<boolean>
  readonly failure: ShallowRef<Failure | null>
  load(): Promise<void>
}

/** Who may own environments on a host and what it can boot; read anew when another host is chosen. */
export function useHostOffer(hostId: () => HostId | null): HostOffer {
  const api = useApi()
  const owners = shallowRef<Owner[]>([])
  const images = shallowRef<Image[]>([])
  const failure = shallowRef<Failure | null>(null)
  const run = shallowRef(0)
  const loaded = shallowRef(0)

  async function load(): Promise<void> {
    const id = hostId()
    const mine = (run.value += 1)
    owners.value = []
    images.value = []
    failure.value = null
    if (id !== null) await read(id, mine)
    if (mine === run.value) loaded.value = mine
  }

  async function read(id: HostId, mine: number): Promise<void> {
    try {
      const [theOwners, theImages] = await Promise.all([
        api.call((client, options) => client.host.owners.list({}, options), { hostId: id }),
        api.call((client, options) => client.host.images.list({}, options), { hostId: id }),
      ])
      if (mine !== run.value) return
      owners.value = theOwners
      images.value = theImages
    } catch (error) {
      if (mine === run.value) failure.value = failureOf(error)
    }
  }

  watch(hostId, () => void load(), { immediate: true })
  return { owners, images, failure, load, isLoading: computed(() => loaded.value !== run.value) }
}

/** `1 of 3`, or `4, no limit`: what of an owner's limit is used. */
export function usedText(owner: Owner): string {
  return owner.limit === 'unlimited'
    ? `${owner.environmentCount}, no limit`
    : `${owner.environmentCount} of ${owner.limit}`
}
