import { defineStore } from 'pinia'
import { computed, ref, shallowRef, type Ref } from 'vue'
import type { FleetEvent } from '../../src-shared/contract/app.ts'
import type { Failure } from '../../src-shared/error.ts'
import type { HostId, OperationId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import { failureOf, useApi } from '../api.ts'
import { rowKey } from '../lib/environment-list.ts'
import { newRequestId } from '../lib/ids.ts'
import type { AppClient } from '../transport.ts'
import { FleetTables, type OperationRow } from './fleet-tables.ts'

/** Hidden windows get no animation frames; they are redrawn this often instead, milliseconds. */
const HIDDEN_REDRAW_MS = 1000

type OperationListener = (hostId: HostId, operation: Operation) => void

/** Tables whose readers are run again at most once per animation frame, however fast the tables change. */
function useFrameTables() {
  const tables = new FleetTables()
  const version = ref(0)
  let isScheduled = false

  function publish(): void {
    isScheduled = false
    version.value += 1
  }

  return {
    version,
    draw: (event: FleetEvent): void => {
      tables.apply(event)
      if (isScheduled) return
      isScheduled = true
      if (document.hidden) setTimeout(publish, HIDDEN_REDRAW_MS)
      else requestAnimationFrame(publish)
    },
    /** The tables, noted as read by whatever computes now. */
    read: (): FleetTables => {
      track(version)
      return tables
    },
  }
}

/** Makes whatever computes now run again when `version` changes. */
function track(version: Ref<number>): number {
  return version.value
}

/** Follows clients' fleets, one after the other; main sends the whole fleet first, so that nothing is missed. */
function useFollowing(apply: (event: FleetEvent) => void) {
  const api = useApi()
  /** Why the fleet is not being followed although main answers; null otherwise. */
  const failure = shallowRef<Failure | null>(null)

  async function follow(client: AppClient): Promise<void> {
    try {
      failure.value = null
      for await (const event of await client.fleet.watch({}, { context: { requestId: newRequestId() } })) apply(event)
    } catch (error) {
      const link = api.link.value
      if (link.kind === 'open' && link.client === client) failure.value = failureOf(error)
    }
  }

  function retry(): void {
    const link = api.link.value
    if (link.kind === 'open') void follow(link.client)
    else api.reconnectNow()
  }

  return { failure, follow, retry }
}

function summariesOf(read: () => FleetTables) {
  const hosts = computed(() => [...read().hosts.values()].sort((a, b) => (a.name < b.name ? -1 : 1)))
  const running = computed(() => [...read().operations.values()].filter(isRunning))
  return {
    hosts,
    /** By host; another map only when a name is another, so that what is computed from names stays while rows change. */
    hostNames: computed<ReadonlyMap<HostId, string>>((before) => {
      const names = new Map(hosts.value.map(({ id, name }) => [id, name]))
      return before !== undefined && isSameMap(before, names) ? before : names
    }),
    running,
    runningByEnvironment: computed(() => groupByEnvironment(running.value)),
    environmentCount: computed(() => read().rows.size),
    countsByHost: computed(() => countByHost(read())),
    liveHostCount: computed(() => hosts.value.filter((host) => host.connection.kind === 'connected').length),
  }
}

/** Hosts, environments and operations as main last told them. What it returns is tracked by its readers. */
export const useFleetStore = defineStore('fleet', () => {
  const { version, draw, read } = useFrameTables()
  const listeners = new Set<OperationListener>()
  /** False until the first snapshot: screens show that they are loading, not that they are empty. */
  const isLoaded = ref(false)

  function apply(event: FleetEvent): void {
    draw(event)
    if (event.type === 'snapshot') isLoaded.value = true
    if (event.type === 'operation_changed') listeners.forEach((tell) => tell(event.hostId, event.operation))
  }

  return {
    version,
    isLoaded,
    ...useFollowing(apply),
    ...summariesOf(read),
    apply,
    rows: () => read().rows.values(),
    operations: () => read().operations.values(),
    row: (key: string) => read().rows.get(key),
    /** By the key of the environment's row; undefined where the host has told nothing of it. */
    backup: (key: string) => read().backups.get(key),
    operation: (hostId: HostId, id: OperationId) => read().operations.get(rowKey(hostId, id))?.operation,
    host: (hostId: HostId) => read().hosts.get(hostId),
    evidenceOf: (hostId: HostId) => read().evidenceOf(hostId),
    activityHead: (hostId: HostId) => read().headOf(hostId),
    /** Called for every change of an operation as it arrives, drawn or not. */
    onOperation: (listener: OperationListener): void => void listeners.add(listener),
  }
})

function isSameMap<Key, Value>(a: ReadonlyMap<Key, Value>, b: ReadonlyMap<Key, Value>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value)
}

function isRunning(row: OperationRow): boolean {
  return row.operation.status.kind === 'running'
}

function groupByEnvironment(running: readonly OperationRow[]): ReadonlyMap<string, readonly Operation[]> {
  const groups = new Map<string, Operation[]>()
  for (const { hostId, operation } of running) {
    const key = rowKey(hostId, operation.environmentId)
    groups.set(key, [...(groups.get(key) ?? []), operation])
  }
  return groups
}

function countByHost({ rows }: FleetTables): ReadonlyMap<HostId, number> {
  const counts = new Map<HostId, number>()
  for (const { hostId } of rows.values()) counts.set(hostId, (counts.get(hostId) ?? 0) + 1)
  return counts
}
