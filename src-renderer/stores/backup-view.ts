import { computed, type ComputedRef } from 'vue'
import type { BackupStatus } from '../../src-shared/model/backup.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import { BACKUP_ACTIONS, backupActionBlock, type BackupAction, type BackupFacts } from '../lib/backup-rules.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { freshnessShown, judgeSafely, type JudgedFreshness } from '../lib/freshness.ts'
import { isAside } from '../lib/operation-words.ts'
import { recordOf } from '../lib/record-of.ts'
import type { Shown } from '../lib/tone.ts'
import { useClockStore } from './clock.ts'
import { useEnvironmentView } from './environment-view.ts'
import { useFleetStore } from './fleet.ts'

export interface BackupView {
  readonly status: ComputedRef<BackupStatus | undefined>
  readonly judged: ComputedRef<JudgedFreshness>
  readonly shown: ComputedRef<Shown>
  /** Host clock − console clock. */
  readonly offsetMs: ComputedRef<number>
  /** Backups, drills and the like that go on for it. */
  readonly running: ComputedRef<readonly Operation[]>
  readonly blocks: ComputedRef<Record<BackupAction, string | null>>
  readonly isUndoable: ComputedRef<boolean>
}

/** Everything a screen says about the backups of one environment, and what may be done with them now. */
export function useBackupView(row: () => EnvironmentRow | undefined): BackupView {
  const fleet = useFleetStore()
  const clock = useClockStore()
  const { evidence, facts } = useEnvironmentView(row)

  const status = computed(() => fleet.backup(row()?.key ?? ''))
  const judged = computed(() => judgeSafely(status.value, evidence.value, clock.now))
  const all = computed(() => fleet.runningByEnvironment.get(row()?.key ?? '') ?? [])

  const backupFacts = computed<BackupFacts>(() => {
    const { clockOffsetMs, confirmedAt } = evidence.value
    return { ...facts.value, status: status.value, running: all.value, heardAt: confirmedAt, clockOffsetMs }
  })

  return {
    status,
    judged,
    shown: computed(() => freshnessShown(judged.value)),
    offsetMs: computed(() => evidence.value.clockOffsetMs),
    running: computed(() => all.value.filter(({ kind }) => isAside(kind))),
    blocks: computed(() => recordOf(BACKUP_ACTIONS, (action) => backupActionBlock(action, backupFacts.value))),
    isUndoable: computed(() => {
      const undo = status.value?.undo ?? null
      return undo !== null && clock.now + evidence.value.clockOffsetMs <= undo.until
    }),
  }
}
