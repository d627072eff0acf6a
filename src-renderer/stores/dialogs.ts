import { defineStore } from 'pinia'
import { computed, ref, shallowRef } from 'vue'
import type { Failure } from '../../src-shared/error.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
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

/** Which dialog is open, so that any screen can ask for one without knowing its feature. */
export const useDialogsStore = defineStore('dialogs', () => {
  const isPaletteOpen = ref(false)
  const spawn = shallowRef<SpawnSeed | null>(null)
  const danger = shallowRef<Asking<DangerKind> | null>(null)
  const detail = shallowRef<Asking<DetailKind> | null>(null)
  const isAddHostOpen = ref(false)
  const isAnyOpen = computed(
    () =>
      isPaletteOpen.value ||
      isAddHostOpen.value ||
      spawn.value !== null ||
      danger.value !== null ||
      detail.value !== null,
  )

  return {
    isAnyOpen,
    isPaletteOpen,
    isAddHostOpen,
    spawn,
    danger,
    detail,
    openSpawn: (seed: SpawnSeed = {}) => void (spawn.value = seed),
    openDanger: (kind: DangerKind, row: EnvironmentRow) => void (danger.value = { kind, row }),
    openDetail: (kind: DetailKind, row: EnvironmentRow) => void (detail.value = { kind, row }),
  }
})
