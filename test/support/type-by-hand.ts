import type { Page } from 'playwright'
import { enterAndRead, waitForPrompt } from '../../scripts/journey/console-screen.ts'
import type { Hands } from './hands.ts'

interface Said {
  readonly command: string
  /** Stands on a line of its own on screen then. */
  readonly answer: string
}

/** Types a command into the guest on screen, waits for its answer, and takes the keys back. */
export async function typeByHand(page: Page, hands: Hands, { command, answer }: Said): Promise<void> {
  await waitForPrompt(page)
  await hands.enterTerminal()
  await enterAndRead(page, command, answer)
  await hands.leaveTerminal()
}
