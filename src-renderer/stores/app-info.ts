import { defineStore } from 'pinia'
import { shallowRef } from 'vue'
import { useApi } from '../api.ts'

interface AppInfo {
  readonly version: string
  readonly shell: 'electron' | 'web' | 'cli'
  readonly claimedActor: string
}

/** What this console is; null until main has said so. */
export const useAppInfoStore = defineStore('app-info', () => {
  const api = useApi()
  const info = shallowRef<AppInfo | null>(null)

  async function load(): Promise<void> {
    try {
      info.value = await api.call((client, options) => client.app.info({}, options))
    } catch {
      // The link's own state says that main is away; the next connection asks again.
    }
  }

  return { info, load }
})
