import { computed, type ComputedRef } from 'vue'
import { useRoute } from 'vue-router'
import type { Host } from '../../../src-shared/model/host.ts'
import type { CommandId, HostId } from '../../../src-shared/model/ids.ts'
import { rowKey } from '../../lib/environment-list.ts'
import { useCommandsStore } from '../../stores/commands.ts'
import { useFleetStore } from '../../stores/fleet.ts'

interface Crumb {
  readonly label: string
  readonly to: string
}

/** Where the person is: the crumbs, and the host that the screen is about (the only one, where there is one). */
export function useCurrentPlace(): { crumbs: ComputedRef<Crumb[]>; host: ComputedRef<Host | undefined> } {
  const route = useRoute()
  const fleet = useFleetStore()
  const commands = useCommandsStore()

  const hostId = computed(() => {
    const named = route.params['hostId'] ?? route.query['host']
    return typeof named === 'string' ? (named as HostId) : undefined
  })
  const host = computed(() => {
    if (hostId.value !== undefined) return fleet.hosts.find((each) => each.id === hostId.value)
    return fleet.hosts.length === 1 ? fleet.hosts[0] : undefined
  })

  function environmentName(ref: string): string {
    const known = fleet.row(rowKey(hostId.value ?? '', ref))?.environment.name
    return known ?? commands.submitted.get(ref as CommandId)?.name ?? recordedName(ref) ?? ref
  }

  /** What an environment was called that is gone. */
  function recordedName(id: string): string | undefined {
    const found = [...fleet.operations()].find((row) => row.operation.environmentId === id)
    return found?.operation.environmentName
  }

  const crumbs = computed<Crumb[]>(() => {
    const ref = route.params['ref']
    if (typeof ref !== 'string') {
      const title = typeof route.meta['title'] === 'string' ? route.meta['title'] : ''
      const here = { label: title, to: route.path }
      return host.value === undefined || hostId.value === undefined
        ? [here]
        : [here, { label: host.value.name, to: route.fullPath }]
    }
    return [
      { label: host.value?.name ?? 'host', to: `/environments?host=${hostId.value ?? ''}` },
      { label: environmentName(ref), to: route.fullPath },
    ]
  })
  return { crumbs, host }
}
