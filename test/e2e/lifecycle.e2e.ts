import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { waitForConsole } from '../../scripts/journey/console-screen.ts'
import { waitForHost, waitForReady } from '../../scripts/journey/environment-screen.ts'
import { processesInView } from '../../scripts/private-host/view.ts'
import { countPointers, HANDS, type Hands } from '../support/hands.ts'
import { argumentsOf } from '../support/kill-points.ts'
import { spawnByHand } from '../support/spawn-by-hand.ts'
import { keepScreens, openTestWindow, SHELLS, type TestWindow } from '../support/test-window.ts'
import { typeByHand } from '../support/type-by-hand.ts'
import { waitFor } from '../support/wait-for.ts'

const SHOWN_MS = 15_000
const OPERATION_MS = 120_000

describe.each(SHELLS)('the lifecycle in a window (%s)', (shell) => {
  let window: TestWindow
  beforeAll(async () => {
    window = await openTestWindow(shell, 'admin')
    await waitForHost(window.page, 'local')
  })
  afterAll(() => window.dispose())

  const byTestId = (testId: string) => window.page.getByTestId(testId)
  const environmentOf = async (name: string) => {
    const found = (await window.cli.environments()).find((each) => each.name === name)
    if (found === undefined) throw new Error(`There is no environment ${name}.`)
    return found
  }
  const guest = async () => {
    const inView = await processesInView(window.testHost.host.layout)
    return inView.find(({ pid }) => argumentsOf(pid).some((word) => word.startsWith('pilothouse-boot-')))?.pid
  }
  const destroy = async (hands: Hands, name: string) => {
    await hands.choose('actions', 'destroy')
    await byTestId('danger-plan').waitFor({ timeout: SHOWN_MS })
    if (await byTestId('danger-name').isVisible()) await hands.fill('danger-name', name)
    await hands.press('danger-confirm')
    await expect
      .poll(async () => (await window.cli.environments()).map((each) => each.name), {
        timeout: OPERATION_MS,
      })
      .not.toContain(name)
  }

  describe.each(['mouse', 'keyboard'] as const)('with the %s', (which) => {
    let pointers: () => Promise<number>
    beforeEach(async () => {
      pointers = await countPointers(window.page)
    })
    afterEach(async () => {
      expect((await pointers()) > 0).toBe(which === 'mouse')
    })

    it('makes one that fails, and recovers it with its home', { timeout: 300_000 }, async () => {
      const hands = HANDS[which](window.page)
      const name = `fails-${which}`
      await spawnByHand(window.page, hands, name)
      await keepScreens(window, `starting-${which}`)
      process.kill(await waitFor('the guest to exist', guest, OPERATION_MS), 'SIGKILL')
      await byTestId('outcome').waitFor({ timeout: OPERATION_MS })
      expect(await byTestId('outcome-title').innerText()).toMatch(/fail|ended/i)
      await keepScreens(window, `failed-${which}`)
      const { home } = await environmentOf(name)
      await hands.press('recover')
      await hands.fill('recover-reason', 'it ended by itself')
      await keepScreens(window, `recover-${which}`)
      await hands.press('recover-confirm')
      await waitForReady(window.page)
      expect((await environmentOf(name)).home.id).toBe(home.id)
      await keepScreens(window, `recovered-${which}`)
      await destroy(hands, name)
    })

    it('resets one after its name was typed, and finds a fresh home', { timeout: 300_000 }, async () => {
      const hands = HANDS[which](window.page)
      const name = `reset-${which}`
      await spawnByHand(window.page, hands, name)
      await waitForReady(window.page)
      await waitForConsole(window.page)
      const note = { command: 'echo mine > /home/note; sync; echo done-$((1+1))', answer: 'done-2' }
      await typeByHand(window.page, hands, note)
      const { home } = await environmentOf(name)
      await hands.choose('actions', 'reset')
      await byTestId('danger-plan').waitFor({ timeout: SHOWN_MS })
      expect(await byTestId('danger-confirm').getAttribute('data-block')).toMatch(new RegExp(name))
      await hands.fill('danger-name', `${name}x`)
      await hands.pressBlocked('danger-confirm')
      expect(await byTestId('danger-plan').isVisible()).toBe(true)
      await hands.fill('danger-name', name)
      await keepScreens(window, `reset-${which}`)
      await hands.press('danger-confirm')
      await byTestId('danger-plan').waitFor({ state: 'hidden', timeout: SHOWN_MS })
      await expect.poll(async () => (await environmentOf(name)).home.id, { timeout: OPERATION_MS }).not.toBe(home.id)
      await waitForReady(window.page)
      await waitForConsole(window.page)
      const look = { command: 'ls /home/note || echo fresh-$((2+2))', answer: 'fresh-4' }
      await typeByHand(window.page, hands, look)
      await destroy(hands, name)
    })

    it('cannot destroy a protected one before the protection is off', { timeout: 300_000 }, async () => {
      const hands = HANDS[which](window.page)
      const name = `kept-${which}`
      await spawnByHand(window.page, hands, name)
      await waitForReady(window.page)
      await hands.choose('actions', 'protection')
      await expect.poll(async () => (await environmentOf(name)).isProtected, { timeout: SHOWN_MS }).toBe(true)
      await hands.press('actions')
      await expect.poll(() => byTestId('destroy').getAttribute('data-block'), { timeout: SHOWN_MS }).toMatch(/protect/i)
      await keepScreens(window, `protected-${which}`)
      await window.page.keyboard.press('Escape')
      await hands.choose('actions', 'protection')
      await hands.press('protection-confirm')
      await expect.poll(async () => (await environmentOf(name)).isProtected, { timeout: SHOWN_MS }).toBe(false)
      await destroy(hands, name)
    })
  })
})
