import { computed, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { Failure } from '../../../src-shared/error.ts'
import type { OperationId } from '../../../src-shared/model/ids.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import type { EnvironmentRow } from '../../lib/environment-list.ts'
import type { BackupView } from '../../stores/backup-view.ts'
import { useBackupsStore } from '../../stores/backups.ts'
import { useFleetStore } from '../../stores/fleet.ts'

export interface FinalBackup {
  /** Why it cannot be begun now; null when it can. */
  readonly block: ComputedRef<string | null>
  readonly isAsking: Ref<boolean>
  /** The one that is waited for, and what became of it; undefined where none was asked for. */
  readonly operation: ComputedRef<Operation | undefined>
  readonly isRunning: ComputedRef<boolean>
  /** Why the host did not take it, or why it failed. */
  readonly failure: ShallowRef<Failure | null>
  begin(): Promise<void>
}

/** A backup before the home is gone for good. `ended` is called once for each, whatever came of it. */
export function useFinalBackup(row: () => EnvironmentRow, view: BackupView, ended: () => void): FinalBackup {
  const backups = useBackupsStore()
  const fleet = useFleetStore()
  const id = ref<OperationId | null>(null)
  const isAsking = ref(false)
  const failure = shallowRef<Failure | null>(null)

  /** One that runs already is the same backup. */
  const running = computed(() => view.running.value.find(({ kind }) => kind === 'backup'))
  const operation = computed(() => (id.value === null ? undefined : fleet.operation(row().hostId, id.value)))
  const isRunning = computed(() => operation.value?.status.kind === 'running')

  async function begin(): Promise<void> {
    if (isAsking.value || isRunning.value) return
    failure.value = null
    if (running.value !== undefined) {
      id.value = running.value.id
      return
    }
    isAsking.value = true
    const entry = await backups.backUp(row())
    isAsking.value = false
    failure.value = entry.failure
    id.value = entry.operationId
  }

  watch(isRunning, (now, before) => {
    const status = operation.value?.status
    if (!before || now || status === undefined) return
    if (status.kind === 'failed') failure.value = status.failure
    ended()
  })

  return {
    block: computed(() => (running.value === undefined ? view.blocks.value.backup : null)),
    isAsking,
    operation,
    isRunning,
    failure,
    begin,
  }
}
