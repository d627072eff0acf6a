import { onScopeDispose, shallowRef, watch } from 'vue'
import type { CallOutput } from '../../../src-shared/contract/call-names.ts'
import type { DaemonContract } from '../../../src-shared/contract/daemon.ts'
import type { HostId } from '../../../src-shared/model/ids.ts'
import { useApi } from '../../api.ts'

export type Orphaned = CallOutput<DaemonContract, 'backups.orphaned'>

/** What a host has of points without an environment; null while that is not known. A look that fails leaves it so. */
export function useOrphaned(hostId: () => HostId | null) {
  const api = useApi()
  const orphaned = shallowRef<Orphaned | null>(null)
  let turn = 0
  onScopeDispose(() => (turn += 1))

  async function look(): Promise<void> {
    const id = hostId()
    const mine = (turn += 1)
    if (id === null) return
    try {
      const found = await api.call((client, options) => client.host.backups.orphaned({}, options), { hostId: id })
      if (mine === turn) orphaned.value = found
    } catch {
      // The ids are a help; whoever knows one goes on without.
    }
  }

  function lookAnew(): void {
    orphaned.value = null
    void look()
  }

  watch(hostId, lookAnew, { immediate: true })
  return { orphaned, look }
}
