import { computed, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import { recoveryPointRefSchema, type RecoveryPointRef } from '../../../src-shared/model/ids.ts'
import type { RecoveryPoint } from '../../../src-shared/model/recovery-point.ts'
import type { BackupAction } from '../../lib/backup-rules.ts'
import type { EnvironmentRow } from '../../lib/environment-list.ts'
import { commandIds } from '../../lib/ids.ts'
import type { PointWords } from '../../lib/restore-cli.ts'
import { useAsking, type Asking } from '../../stores/asking.ts'
import { useBackupView, type BackupView } from '../../stores/backup-view.ts'
import { useDialogsStore } from '../../stores/dialogs.ts'
import type { Submitted } from '../../stores/submitted.ts'

interface PointedSource {
  readonly openedWith: EnvironmentRow
  readonly point: RecoveryPoint | null
  readonly action: BackupAction
  running(isRunning: boolean): void
  close(): void
}

export interface Pointed extends Omit<Asking, 'view'> {
  readonly view: BackupView
  readonly point: ShallowRef<RecoveryPoint | null>
  readonly where: ComputedRef<PointWords>
  /** Why it cannot be asked for now; null when it can. */
  readonly block: ComputedRef<string | null>
  readonly failureTitle: ComputedRef<string>
  readonly commandIdFor: ReturnType<typeof commandIds>
  /** Null while none is chosen. */
  readonly reference: ComputedRef<RecoveryPointRef | null>
}

/** What every question about one recovery point does. Once it is accepted, its operation is followed. */
export function usePointed(source: PointedSource): Pointed {
  const dialogs = useDialogsStore()
  const { openedWith } = source
  const asking = useAsking(openedWith, { running: (isRunning) => source.running(isRunning), close: () => go() })
  const view = useBackupView(() => asking.row.value)
  const point = shallowRef(source.point)
  let accepted: Submitted | null = null

  function go(): void {
    const id = accepted?.operationId ?? null
    if (id === null) source.close()
    else dialogs.follow(openedWith.hostId, id)
  }

  async function ask(send: () => Promise<Submitted | null>): Promise<void> {
    await asking.ask(async () => (accepted = await send()))
  }

  const block = computed(() => {
    const blocked = asking.isUnsure.value ? null : view.blocks.value[source.action]
    if (blocked !== null) return blocked
    if (point.value === null) return 'Choose a recovery point.'
    return point.value.forgottenAt === null ? null : 'This point is no longer in the repository.'
  })

  return {
    ...asking,
    ask,
    view,
    point,
    block,
    where: computed(() => ({
      name: asking.row.value.environment.name,
      host: asking.hostName.value,
      point: point.value?.id ?? null,
    })),
    failureTitle: computed(() =>
      asking.isUnsure.value ? 'No answer came. Pressing again cannot do it twice.' : 'It was not accepted.',
    ),
    commandIdFor: commandIds(),
    reference: computed(() => (point.value === null ? null : recoveryPointRefSchema.parse(point.value.id))),
  }
}
