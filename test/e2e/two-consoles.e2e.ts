import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  openEnvironment,
  spawnThroughDialog,
  waitForHost,
  waitForReady,
} from '../../scripts/journey/environment-screen.ts'
import { keepScreens, openAnotherWindow, openTestWindow, SHELLS, type TestWindow } from '../support/test-window.ts'

const NAME = 'shared'
const SHOWN_MS = 15_000

describe('two consoles on one host', () => {
  const [shell = 'web'] = SHELLS
  let one: TestWindow
  let other: TestWindow
  beforeAll(async () => {
    one = await openTestWindow(shell, 'admin')
    other = await openAnotherWindow(one.testHost, 'web', 'operator')
    await Promise.all([one, other].map(({ page }) => waitForHost(page, 'local')))
  })
  afterAll(async () => {
    await other.dispose()
    await one.dispose()
  })

  it('each see what the other does, by whom and how far, and why a button waits', { timeout: 300_000 }, async () => {
    await spawnThroughDialog(one.page, NAME)
    await waitForReady(one.page)
    await openEnvironment(other.page, NAME)
    await waitForReady(other.page)
    // When the first window pressed, and when the second had it on screen: one machine, one clock.
    await other.page.evaluate(() => {
      const seen = window as unknown as { seenAt?: number; said?: string }
      const look = (): void => {
        const block = document.querySelector('[data-testid=recover]')?.getAttribute('data-block') ?? ''
        if (seen.seenAt !== undefined || !block.includes('is running')) return
        seen.seenAt = Date.now()
        seen.said = block
      }
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true })
    })
    const pressedAt = Date.now()
    await one.page.getByTestId('stop').click()
    const shown = await other.page.waitForFunction(() => {
      const { seenAt, said } = window as unknown as { seenAt?: number; said?: string }
      return seenAt === undefined ? undefined : { seenAt, said }
    })
    const { seenAt, said } = (await shown.jsonValue()) as { seenAt: number; said: string }
    console.log(`The second console showed it after ${seenAt - pressedAt} ms: ${said}`)
    expect(said).toMatch(/^Stop by .*admin.* is running: .* step 1 of 1/)
    await keepScreens(other, 'blocked-by-another')
    await other.page.locator('[data-testid=state][data-observed=stopped]').waitFor({ timeout: 60_000 })
    await expect
      .poll(() => other.page.getByTestId('start').getAttribute('data-block'), { timeout: SHOWN_MS })
      .toBeNull()
    await other.page.getByTestId('start').click()
    await waitForReady(one.page)
  })
})
