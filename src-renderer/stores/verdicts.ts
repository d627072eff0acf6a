import { defineStore } from 'pinia'
import { shallowReactive } from 'vue'
import type { Failure } from '../../src-shared/error.ts'
import type { ActivityVerdict } from '../../src-shared/model/activity.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import { failureOf, useApi } from '../api.ts'

/** The last verification of one host's record. */
export interface Verification {
  readonly isRunning: boolean
  readonly verdict: ActivityVerdict | null
  /** Console clock: when the verdict came. */
  readonly at: number
  readonly failure: Failure | null
}

const NONE: Verification = { isRunning: false, verdict: null, at: 0, failure: null }

/** What came of verifying hosts' records in this window. An older verdict stays while a new one is awaited. */
export const useVerdictsStore = defineStore('verdicts', () => {
  const api = useApi()
  const byHost = shallowReactive(new Map<HostId, Verification>())

  function of(hostId: HostId): Verification {
    return byHost.get(hostId) ?? NONE
  }

  async function verify(hostId: HostId): Promise<void> {
    if (of(hostId).isRunning) return
    byHost.set(hostId, { ...of(hostId), isRunning: true, failure: null })
    try {
      const verdict = await api.call((client, options) => client.activity.verify({ hostId }, options))
      byHost.set(hostId, { isRunning: false, verdict, at: Date.now(), failure: null })
    } catch (error) {
      byHost.set(hostId, { ...of(hostId), isRunning: false, failure: failureOf(error) })
    }
  }

  return { byHost, of, verify }
})
