import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { Failure } from '../../src-shared/error.ts'
import type { HomeId, HostId, OperationId } from '../../src-shared/model/ids.ts'
import type { RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import type { SpawnRequest } from './submitted.ts'

/** What the spawn dialog opens with. */
export interface SpawnSeed {
  readonly hostId?: HostId
  /** A request to correct, and what the host said of it. */
  readonly request?: SpawnRequest
  readonly failure?: Failure
}

/** Done by plan and ticket only. */
export type DangerKind = 'reset' | 'destroy'
/** Asked for in a dialog of its own, without a plan. */
export type DetailKind = 'recover' | 'resize' | 'rename' | 'labels' | 'protection'

export interface Asking<Kind> {
  readonly kind: Kind
  /** As it was when the dialog was opened. */
  readonly row: EnvironmentRow
}

/** What is done with a recovery point or a home that is kept, each in a guide or dialog of its own. */
export type RestoreKind = 'restore' | 'undo' | 'drop' | 'drill' | 'clone' | 'restore-files'
export interface RestoreAsking extends Asking<RestoreKind> {
  /** Chosen already; null: the guide lets one be chosen. */
  readonly point: RecoveryPoint | null
  /** For `restore-files`: what was picked in the point. */
  readonly paths: readonly string[]
  /** For `drop`: a home that is kept for review; null: the one that is kept for undo. */
  readonly homeId: HomeId | null
}

/** What is asked for about the backups of one environment. */
export type BackupKind = 'browse' | 'compare' | 'check' | 'prune' | 'policy'
export interface BackupAsking extends Asking<BackupKind> {
  /** What to look into, or to compare with another. */
  readonly point: RecoveryPoint | null
}

/** An operation that is looked at: how far it is, and what came of it. */
export interface Followed {
  readonly hostId: HostId
  readonly operationId: OperationId
}

interface Chosen {
  readonly point?: RecoveryPoint | null
  readonly paths?: readonly string[]
  readonly homeId?: HomeId
}

/** Which dialog is open, so that any screen can ask for one without knowing its feature. */
export const useDialogsStore = defineStore('dialogs', () => {
  const isPaletteOpen = ref(false)
  const spawn = shallowRef<SpawnSeed | null>(null)
  const danger = shallowRef<Asking<DangerKind> | null>(null)
  const detail = shallowRef<Asking<DetailKind> | null>(null)
  const restoring = shallowRef<RestoreAsking | null>(null)
  const followed = shallowRef<Followed | null>(null)
  const backup = shallowRef<BackupAsking | null>(null)
  const isAddHostOpen = ref(false)
  /** Taking points on record: of a host that is chosen already, or not. */
  const adopting = shallowRef<{ readonly hostId: HostId | null } | null>(null)
  const isAnyOpen = computed(
    () =>
      isPaletteOpen.value ||
      isAddHostOpen.value ||
      adopting.value !== null ||
      spawn.value !== null ||
      danger.value !== null ||
      detail.value !== null ||
      restoring.value !== null ||
      followed.value !== null ||
      backup.value !== null,
  )

  return {
    isAnyOpen,
    isPaletteOpen,
    isAddHostOpen,
    adopting,
    spawn,
    danger,
    detail,
    restoring,
    followed,
    backup,
    openAdopt: (hostId: HostId | null = null) => void (adopting.value = { hostId }),
    openSpawn: (seed: SpawnSeed = {}) => void (spawn.value = seed),
    openDanger: (kind: DangerKind, row: EnvironmentRow) => void (danger.value = { kind, row }),
    openDetail: (kind: DetailKind, row: EnvironmentRow) => void (detail.value = { kind, row }),
    openRestore: (kind: RestoreKind, row: EnvironmentRow, chosen: Chosen = {}) => {
      followed.value = null
      restoring.value = {
        kind,
        row,
        point: chosen.point ?? null,
        paths: chosen.paths ?? [],
        homeId: chosen.homeId ?? null,
      }
    },
    /** What asked for it, if anything did, has done its part. */
    follow: (hostId: HostId, operationId: OperationId) => {
      restoring.value = null
      followed.value = { hostId, operationId }
    },
    openBackup: (kind: BackupKind, row: EnvironmentRow, point: RecoveryPoint | null = null) => {
      backup.value = { kind, row, point }
    },
  }
})
