import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { FleetEvent } from '../../src-shared/contract/app.ts'
import type { Failure } from '../../src-shared/error.ts'
import type { Host } from '../../src-shared/model/host.ts'
import type { HostId, OperationId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import { failureOf, useApi } from '../api.ts'
import type { HostEvidence } from '../lib/environment-state.ts'
import { rowKey, type EnvironmentRow } from '../lib/environment-list.ts'
import { newRequestId } from '../lib/ids.ts'
import type { AppClient } from '../transport.ts'
import { FleetTables, type OperationRow } from './fleet-tables.ts'

/** Hidden windows get no animation frames; they are redrawn this often instead, milliseconds. */
const HIDDEN_REDRAW_MS = 1000

type OperationListener = (hostId: HostId, operation: Operation) => void

/** Hosts, environments and operations as main last told them, redrawn at most once per animation frame. */
export const useFleetStore = defineStore('fleet', () => {
  const api = useApi()
  const tables = new FleetTables()
  const listeners = new Set<OperationListener>()
  const version = ref(0)
  /** False until the first snapshot: screens show that they are loading, not that they are empty. */
  const isLoaded = ref(false)
  const failure = shallowRef<Failure | null>(null)
  let isScheduled = false

  function publish(): void {
    isScheduled = false
    version.value += 1
  }

  function changed(): void {
    if (isScheduled) return
    isScheduled = true
    if (document.hidden) setTimeout(publish, HIDDEN_REDRAW_MS)
    else requestAnimationFrame(publish)
  }

  function apply(event: FleetEvent): void {
    tables.apply(event)
    if (event.type === 'snapshot') isLoaded.value = true
    if (event.type === 'operation_changed') listeners.forEach((tell) => tell(event.hostId, event.operation))
    changed()
  }

  /** Follows one client until its link ends. Main sends the whole fleet first, so that nothing is missed. */
  async function follow(client: AppClient): Promise<void> {
    try {
      failure.value = null
      for await (const event of await client.fleet.watch({}, { context: { requestId: newRequestId() } })) apply(event)
    } catch (error) {
      const link = api.link.value
      if (link.kind === 'open' && link.client === client) failure.value = failureOf(error)
    }
  }

  function reading<T>(read: () => T) {
    return computed(() => {
      void version.value
      return read()
    })
  }

  const hosts = reading(() => [...tables.hosts.values()].sort((a, b) => (a.name < b.name ? -1 : 1)))
  const running = reading(() => [...tables.operations.values()].filter(isRunning))
  const environmentCount = reading(() => tables.rows.size)
  const countsByHost = reading(() => countByHost(tables.rows.values()))
  const liveHostCount = computed(() => hosts.value.filter((host) => host.connection.kind === 'connected').length)

  return {
    version,
    isLoaded,
    failure,
    hosts,
    running,
    environmentCount,
    countsByHost,
    liveHostCount,
    follow,
    apply,
    rows: (): Iterable<EnvironmentRow> => tables.rows.values(),
    operations: (): Iterable<OperationRow> => tables.operations.values(),
    row: (key: string): EnvironmentRow | undefined => tables.rows.get(key),
    operation: (hostId: HostId, id: OperationId): Operation | undefined =>
      tables.operations.get(rowKey(hostId, id))?.operation,
    host: (hostId: HostId): Host | undefined => tables.hosts.get(hostId),
    hostNamed: (name: string): Host | undefined => [...tables.hosts.values()].find((host) => host.name === name),
    evidenceOf: (hostId: HostId): HostEvidence => tables.evidenceOf(hostId),
    /** Called for every change of an operation as it arrives, drawn or not. */
    onOperation: (listener: OperationListener): void => void listeners.add(listener),
  }
})

function isRunning(row: OperationRow): boolean {
  return row.operation.status.kind === 'running'
}

function countByHost(rows: Iterable<EnvironmentRow>): ReadonlyMap<HostId, number> {
  const counts = new Map<HostId, number>()
  for (const { hostId } of rows) counts.set(hostId, (counts.get(hostId) ?? 0) + 1)
  return counts
}
