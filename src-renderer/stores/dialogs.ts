import { defineStore } from 'pinia'
import { ref, shallowRef } from 'vue'
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

/** Which dialog is open, so that any screen can ask for one without knowing its feature. */
export const useDialogsStore = defineStore('dialogs', () => {
  const isPaletteOpen = ref(false)
  const spawn = shallowRef<SpawnSeed | null>(null)
  const destroy = shallowRef<EnvironmentRow | null>(null)
  const isAddHostOpen = ref(false)

  return {
    isPaletteOpen,
    isAddHostOpen,
    spawn,
    destroy,
    openSpawn: (seed: SpawnSeed = {}) => void (spawn.value = seed),
    openDestroy: (row: EnvironmentRow) => void (destroy.value = row),
  }
})
