import { computed } from 'vue'
import type { Plan } from '../../../src-shared/model/plan.ts'
import type { EnvironmentRow } from '../../lib/environment-list.ts'
import { useBackupView } from '../../stores/backup-view.ts'
import { useConfirming } from '../../stores/confirming.ts'
import { useDialogsStore } from '../../stores/dialogs.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import { usePlanning, type AskForPlan } from '../../stores/planning.ts'
import { useRestoresStore } from '../../stores/restores.ts'

interface KeptPlan<P extends Plan> {
  /** What is done about the kept home. */
  readonly kind: 'undo' | 'drop'
  readonly openedWith: EnvironmentRow
  readonly ask: AskForPlan<P>
  readonly close: () => void
  readonly running: (isRunning: boolean) => void
}

/** The host's plan for a home that it keeps, asked for at once, and its one run, which is followed once accepted. */
export function useKeptPlan<P extends Plan>({ kind, openedWith, ask, close, running }: KeptPlan<P>) {
  const fleet = useFleetStore()
  const dialogs = useDialogsStore()
  const restores = useRestoresStore()
  const { hostId, environment } = openedWith
  const current = computed(() => fleet.row(openedWith.key))
  const view = useBackupView(() => current.value)
  const planning = usePlanning(hostId, ask)
  void planning.read()
  const name = computed(() => planning.offer.value?.plan.environmentName ?? environment.name)
  const confirming = useConfirming({
    planning,
    name: () => name.value,
    block: () => view.blocks.value[kind],
    send: (request) => restores.runPlan(kind, current.value ?? openedWith, request),
    running,
    accepted: ({ operationId }) => {
      if (operationId === null) close()
      else dialogs.follow(hostId, operationId)
    },
  })
  const target = computed(() => ({ name: environment.name, host: fleet.host(hostId)?.name ?? '' }))
  return { planning, confirming, view, name, target }
}
