import type { DriverKind, Environment, ObservedState } from '../../src-shared/model/environment.ts'
import type {
  BootId,
  EnvironmentId,
  EnvironmentName,
  HomeId,
  ImageRef,
  OperationId,
  OwnerName,
} from '../../src-shared/model/ids.ts'
import type { Labels } from '../../src-shared/model/labels.ts'
import type { StartupSummary } from '../../src-shared/model/startup.ts'
import { without } from './without.ts'

/** An environment as the database holds it, with its newest boot and whoever holds the exclusive claim. */
export interface EnvironmentRow {
  id: string
  name: string
  owner: string
  image: string
  driver: string
  cpus: number
  memory_mib: number
  home_mib: number
  home_id: string
  desired: 'running' | 'stopped'
  observed: string
  observed_at: number
  generation: number
  guest_uid: number
  is_protected: number
  labels: string
  startup_summary: string | null
  is_counted: number
  auto_recovered_at: number | null
  home_made_at: number | null
  home_gone_at: number | null
  created_at: number
  destroyed_at: number | null
  boot_id: string | null
  boot_ordinal: number | null
  boot_started_at: number | null
  operation_id: string | null
}

/** An environment with what only the daemon needs to know of it. */
export interface StoredEnvironment extends Environment {
  readonly guestUid: number
  /** It counts against its owner's limit. */
  readonly isCounted: boolean
  /** When the daemon last began to recover it by itself, for the failure that it is in; null: not for this one. */
  readonly autoRecoveredAt: number | null
  readonly destroyedAt: number | null
}

export function toEnvironment(row: EnvironmentRow): StoredEnvironment {
  return {
    id: row.id as EnvironmentId,
    name: row.name as EnvironmentName,
    owner: row.owner as OwnerName,
    image: row.image as ImageRef,
    driver: row.driver as DriverKind,
    size: { cpus: row.cpus, memoryMiB: row.memory_mib, homeMiB: row.home_mib },
    desired: row.desired,
    observed: JSON.parse(row.observed) as ObservedState,
    observedAt: row.observed_at,
    generation: row.generation,
    isProtected: row.is_protected === 1,
    labels: JSON.parse(row.labels) as Labels,
    startup: row.startup_summary === null ? null : (JSON.parse(row.startup_summary) as StartupSummary),
    quarantine: null,
    home: { id: row.home_id as HomeId, sizeMiB: row.home_mib, madeAt: row.home_made_at, goneAt: row.home_gone_at },
    boot: toBoot(row),
    operationId: row.operation_id as OperationId | null,
    createdAt: row.created_at,
    guestUid: row.guest_uid,
    isCounted: row.is_counted === 1,
    autoRecoveredAt: row.auto_recovered_at,
    destroyedAt: row.destroyed_at,
  }
}

function toBoot(row: EnvironmentRow): Environment['boot'] {
  const { boot_id: id, boot_ordinal: ordinal, boot_started_at: startedAt } = row
  if (id === null || ordinal === null || startedAt === null) return null
  return { id: id as BootId, ordinal, startedAt }
}

/** What goes over the wire: the contract's fields alone. */
export function toWireEnvironment(stored: StoredEnvironment): Environment {
  return without(stored, ['guestUid', 'destroyedAt', 'isCounted', 'autoRecoveredAt'])
}
