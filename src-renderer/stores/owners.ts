import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import type { Failure } from '../../src-shared/error.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import type { Owner } from '../../src-shared/model/owner.ts'
import { failureOf, useApi } from '../api.ts'

/** A host's owners as they were last read; they stay while a newer answer is awaited or fails. */
export interface OwnersRead {
  readonly owners: readonly Owner[] | null
  readonly isReading: boolean
  readonly failure: Failure | null
  /** Console clock. */
  readonly readAt: number
}

const NONE: OwnersRead = { owners: null, isReading: false, failure: null, readAt: 0 }

export const useOwnersStore = defineStore('owners', () => {
  const api = useApi()
  const byHost = shallowReactive(new Map<HostId, OwnersRead>())
  const askedAgain = new Set<HostId>()

  function of(hostId: HostId): OwnersRead {
    return byHost.get(hostId) ?? NONE
  }

  /** Reads once more at the end where it is asked meanwhile, so that the last answer is newer than the last question. */
  async function read(hostId: HostId): Promise<void> {
    if (of(hostId).isReading) {
      askedAgain.add(hostId)
      return
    }
    askedAgain.delete(hostId)
    byHost.set(hostId, { ...of(hostId), isReading: true })
    try {
      const owners = await api.call((client, options) => client.host.owners.list({}, options), { hostId })
      byHost.set(hostId, { owners, isReading: false, failure: null, readAt: Date.now() })
    } catch (error) {
      byHost.set(hostId, { ...of(hostId), isReading: false, failure: failureOf(error) })
    }
    if (askedAgain.has(hostId)) await read(hostId)
  }

  /** Rejects with a PilothouseError; the list then stays as it was. */
  async function put(hostId: HostId, change: PutOwner): Promise<void> {
    const owner = await api.call((client, options) => client.host.owners.put(change, options), { hostId })
    const others = (of(hostId).owners ?? []).filter(({ name }) => name !== owner.name)
    byHost.set(hostId, { ...of(hostId), owners: [...others, owner].sort((a, b) => (a.name < b.name ? -1 : 1)) })
  }

  return { byHost, of, read, put }
})

type PutOwner = Pick<Owner, 'name'> & Partial<Pick<Owner, 'note' | 'isActive' | 'limit'>>
