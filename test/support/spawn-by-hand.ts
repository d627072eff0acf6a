import type { Page } from 'playwright'
import type { Hands } from './hands.ts'

const SHOWN_MS = 15_000

/** Asks for an environment of that name as a person does, and resolves when its screen is shown; it still starts then. */
export async function spawnByHand(page: Page, hands: Hands, name: string): Promise<void> {
  await hands.press('nav-environments')
  await hands.press('spawn-button')
  await hands.fill('spawn-name', name)
  await hands.pick('spawn-owner', 'local')
  await hands.press('spawn-submit')
  await page.getByTestId('env-title').filter({ hasText: name }).waitFor({ timeout: SHOWN_MS })
}
