import type { Failure } from '../../src-shared/error.ts'
import { failureOf } from '../api.ts'
import type { EnvironmentAction } from '../lib/action-rules.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { useCommandsStore } from './commands.ts'
import { useDialogsStore } from './dialogs.ts'
import { useEnvironmentDetailsStore } from './environment-details.ts'

/** What a press of each action is called and looks like; dots say that a dialog comes first. */
export const ACTION_LOOKS: Record<EnvironmentAction, { readonly label: string; readonly icon: string }> = {
  start: { label: 'Start', icon: 'i-lucide-play' },
  stop: { label: 'Stop', icon: 'i-lucide-power' },
  reboot: { label: 'Reboot', icon: 'i-lucide-refresh-cw' },
  recover: { label: 'Recover…', icon: 'i-lucide-life-buoy' },
  resize: { label: 'Resize…', icon: 'i-lucide-scaling' },
  rename: { label: 'Rename…', icon: 'i-lucide-pencil' },
  labels: { label: 'Labels…', icon: 'i-lucide-tags' },
  protection: { label: 'Protection…', icon: 'i-lucide-shield' },
  reset: { label: 'Reset…', icon: 'i-lucide-eraser' },
  destroy: { label: 'Destroy…', icon: 'i-lucide-trash-2' },
}

/** Does what a press of an action means: gives the command, or opens the dialog that asks for the rest. */
export function useEnvironmentActions() {
  const commands = useCommandsStore()
  const dialogs = useDialogsStore()
  const details = useEnvironmentDetailsStore()

  /** Needs no second thought; only switching it off does. */
  async function protect(row: EnvironmentRow): Promise<Failure | null> {
    try {
      await details.setProtection(row, true)
      return null
    } catch (error) {
      return failureOf(error)
    }
  }

  /** Resolves with why the host did not accept it; null where it did, or where a dialog has opened. */
  return async function press(action: EnvironmentAction, row: EnvironmentRow): Promise<Failure | null> {
    switch (action) {
      case 'start':
      case 'stop':
      case 'reboot':
        return (await commands.change(action, row)).failure
      case 'reset':
      case 'destroy':
        dialogs.openDanger(action, row)
        return null
      case 'protection':
        if (!row.environment.isProtected) return protect(row)
        dialogs.openDetail(action, row)
        return null
      default:
        dialogs.openDetail(action, row)
        return null
    }
  }
}
