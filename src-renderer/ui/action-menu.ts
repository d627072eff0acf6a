import type { DropdownMenuItem } from '@nuxt/ui'
import { copyText } from '../lib/save.ts'

export type ActionItem = DropdownMenuItem & { readonly block: string | null }

interface ItemOptions {
  readonly label: string
  readonly icon: string
  /** Why it cannot be pressed now; null when it can. */
  readonly block: string | null
  readonly testId: string
  readonly press: () => void
}

/** An action in a menu; reachable by keyboard although it cannot be pressed: it says why, and the menu stays open. */
export function actionItem({ label, icon, block, testId, press }: ItemOptions): ActionItem {
  return {
    label,
    icon,
    slot: 'action',
    block,
    'data-testid': testId,
    'aria-disabled': block !== null,
    'data-block': block ?? undefined,
    class: block === null ? '' : 'cursor-not-allowed',
    onSelect: (event: Event) => {
      if (block === null) press()
      else event.preventDefault()
    },
  }
}

/** Command line forms, each copied at a press. */
export function cliItems(commands: readonly string[]): DropdownMenuItem[] {
  return commands.map((command) => ({
    label: command,
    class: 'font-mono text-xs',
    icon: 'i-lucide-copy',
    'data-testid': 'copy-cli',
    onSelect: () => void copyText(command),
  }))
}

/** What opens a dialog waits until the menu has given the focus back to its button, which then gets it from the dialog. */
export function useAfterMenu<Action>(act: (action: Action) => void) {
  let waiting: { readonly action: Action } | null = null

  function choose(action: Action): void {
    waiting = { action }
  }

  /** For when the menu closes, with or without a choice. */
  function goOn(): void {
    const chosen = waiting
    waiting = null
    // The menu gives the focus back in the next turn; this is the one after it.
    if (chosen !== null) setTimeout(() => setTimeout(() => act(chosen.action)))
  }

  return { choose, goOn }
}
