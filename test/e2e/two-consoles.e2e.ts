import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  openEnvironment,
  spawnThroughDialog,
  waitForHost,
  waitForReady,
} from '../../scripts/journey/environment-screen.ts'
import { listenToRpc } from '../support/rpc-frames.ts'
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

  /** What the second console's main process asked the daemon of environments and operations. */
  const askedOfDaemon = async (): Promise<string[]> => {
    const log = await readFile(join(one.testHost.host.layout.logs, 'daemon.log'), 'utf8')
    const lines = log.split('\n').filter((line) => line.includes('"role":"operator"'))
    return lines.filter((line) => /"call":"(?:environments|operations|events)/.test(line))
  }

  it('each see what the other does, by whom and how far, and why a button waits', { timeout: 300_000 }, async () => {
    await spawnThroughDialog(one.page, NAME)
    await waitForReady(one.page)
    const frames = listenToRpc(other.page)
    await other.page.reload()
    await waitForHost(other.page, 'local')
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
    const [askedBefore, askedOfDaemonBefore] = [frames.asked(), await askedOfDaemon()]
    expect(askedOfDaemonBefore).not.toEqual([])
    const pressedAt = Date.now()
    await one.page.getByTestId('stop').click()
    const shown = await other.page.waitForFunction(() => {
      const { seenAt, said } = window as unknown as { seenAt?: number; said?: string }
      return seenAt === undefined ? undefined : { seenAt, said }
    })
    const { seenAt, said } = (await shown.jsonValue()) as { seenAt: number; said: string }
    console.log(`The second console showed it after ${seenAt - pressedAt} ms: ${said}`)
    // Told, and not found out by asking again: how long that takes is nobody's interval.
    const subscription = frames.answering((text) => text.includes('"kind":"stop"'))
    expect([...askedBefore]).toContain(subscription)
    expect(await askedOfDaemon()).toEqual(askedOfDaemonBefore)
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
