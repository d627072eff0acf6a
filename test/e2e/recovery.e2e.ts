import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitForConsole } from '../../scripts/journey/console-screen.ts'
import { waitForHost, waitForReady } from '../../scripts/journey/environment-screen.ts'
import { countPointers, HANDS, type Hands } from '../support/hands.ts'
import { spawnByHand } from '../support/spawn-by-hand.ts'
import { keepScreens, openTestWindow, SHELLS, type TestWindow } from '../support/test-window.ts'
import { typeByHand } from '../support/type-by-hand.ts'

const SHOWN_MS = 15_000
const OPERATION_MS = 150_000

/** A customer deleted a folder: it is restored from before, looked at, and the restore is undone. */
describe.each(SHELLS)('a restore in a window (%s)', (shell) => {
  let window: TestWindow
  beforeAll(async () => {
    window = await openTestWindow(shell, 'admin')
    await waitForHost(window.page, 'local')
  })
  afterAll(() => window.dispose())

  const byTestId = (testId: string) => window.page.getByTestId(testId)
  const atPrompt = async (hands: Hands, command: string, answer: string) => {
    await hands.show('main-console')
    await waitForConsole(window.page)
    await typeByHand(window.page, hands, { command, answer })
  }
  const backUp = async (hands: Hands, points: number) => {
    await hands.show('main-backups')
    await hands.press('backup-now')
    await expect.poll(() => byTestId('point').count(), { timeout: OPERATION_MS }).toBe(points)
  }
  const followToEnd = async () => {
    await window.page.locator('[data-testid=follow][data-status=succeeded]').waitFor({ timeout: OPERATION_MS })
  }

  // The keys are the same page's in both shells: they are tried in the one that is the product.
  const ways = shell === SHELLS[0] ? (['mouse', 'keyboard'] as const) : (['mouse'] as const)
  it.each(ways)(
    'brings a deleted folder back, and takes that back, with the %s',
    { timeout: 600_000 },
    async (which) => {
      const hands = HANDS[which](window.page)
      const pointers = await countPointers(window.page)
      const name = `photos-${which}`
      await spawnByHand(window.page, hands, name)
      await waitForReady(window.page)
      await atPrompt(hands, 'mkdir /home/photos; echo sea > /home/photos/one; sync; echo kept-$((1+1))', 'kept-2')
      await backUp(hands, 1)
      const [before] = await byTestId('point').evaluateAll((all) => all.map((one) => one.getAttribute('data-id')))
      await atPrompt(hands, 'rm -r /home/photos; sync; echo gone-$((2+2))', 'gone-4')
      await backUp(hands, 2)
      await keepScreens(window, `backups-${which}`)

      await hands.press('restore')
      await byTestId('point-choice').first().waitFor({ timeout: SHOWN_MS })
      await hands.mark('point-choices', 1)
      const picked = window.page.locator('[data-testid=point-choice][aria-selected=true]')
      expect(await picked.getAttribute('data-id')).toBe(before)
      await keepScreens(window, `restore-point-${which}`)
      await hands.press('restore-point-confirm')
      await byTestId('restore-plan').waitFor({ timeout: 60_000 })
      expect(await byTestId('restore-plan').innerText()).toContain(name)
      await keepScreens(window, `restore-plan-${which}`)
      await hands.press('restore-plan-step-confirm')
      await hands.fill('restore-name', name)
      await keepScreens(window, `restore-confirm-${which}`)
      await hands.press('restore-confirm')
      await followToEnd()
      expect(await byTestId('result-verified').innerText()).not.toBe('')
      expect(await byTestId('result-undo').innerText()).toContain('is kept until')
      await keepScreens(window, `restored-${which}`)
      await hands.press('follow-close')
      await atPrompt(hands, 'cat /home/photos/one; echo looked-$((3+3))', 'looked-6')
      await atPrompt(hands, 'test -e /home/photos/one && echo back-$((4+4))', 'back-8')

      await hands.show('main-backups')
      await hands.press('undo')
      await byTestId('undo-plan').waitFor({ timeout: SHOWN_MS })
      await keepScreens(window, `undo-${which}`)
      await hands.press('undo-confirm')
      await followToEnd()
      await keepScreens(window, `undone-${which}`)
      await hands.press('follow-close')
      await atPrompt(hands, 'test ! -e /home/photos && echo away-$((5+5))', 'away-10')
      expect((await pointers()) > 0).toBe(which === 'mouse')
    },
  )
})
