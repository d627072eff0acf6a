import type { Page } from 'playwright'
import { isTyping, takeKeyboard } from '../../scripts/journey/console-screen.ts'

const SHOWN_MS = 15_000
/** More stops than any screen has. */
const MOST_STOPS = 150

/** How a person works a window. Every deed waits for what it is done to, and ends when it is done. */
export interface Hands {
  press(testId: string): Promise<void>
  /** Presses what says that it cannot be pressed. */
  pressBlocked(testId: string): Promise<void>
  /** Opens the menu behind `testId` and chooses an item of it. */
  choose(testId: string, item: string): Promise<void>
  fill(testId: string, text: string): Promise<void>
  /** Opens the list behind `testId` and takes what begins with `option`. */
  pick(testId: string, option: string): Promise<void>
  /** Shows the pane of a tab. */
  show(tabId: string): Promise<void>
  /** Marks the option of that place, from 0, in a list that is on screen. */
  mark(testId: string, index: number): Promise<void>
  /** Takes the guest's keyboard in the console on screen: what is typed next is for the guest. */
  enterTerminal(): Promise<void>
  /** Takes the keys back from the guest. */
  leaveTerminal(): Promise<void>
}

/** By the name of what they hold. */
export const HANDS = { mouse, keyboard } as const

/** With the mouse alone, but for what is typed. */
export function mouse(page: Page): Hands {
  return {
    enterTerminal: async () => {
      await takeKeyboard(page)
      await page.getByTestId('console-terminal').click({ timeout: SHOWN_MS })
    },
    leaveTerminal: () => Promise.resolve(),
    press: (testId) => page.getByTestId(testId).click({ timeout: SHOWN_MS }),
    pressBlocked: (testId) => page.getByTestId(testId).click({ timeout: SHOWN_MS, force: true }),
    choose: async (testId, item) => {
      await page.getByTestId(testId).click({ timeout: SHOWN_MS })
      await page.getByTestId(item).click({ timeout: SHOWN_MS })
    },
    show: (tabId) => page.getByTestId(tabId).click({ timeout: SHOWN_MS }),
    mark: (testId, index) => page.getByTestId(testId).getByRole('option').nth(index).click({ timeout: SHOWN_MS }),
    fill: (testId, text) => page.getByTestId(testId).fill(text, { timeout: SHOWN_MS }),
    pick: async (testId, option) => {
      await page.getByTestId(testId).click({ timeout: SHOWN_MS })
      await page.getByRole('option', { name: new RegExp(`^${option}\\b`) }).click({ timeout: SHOWN_MS })
    },
  }
}

/** Counts from now on how often a mouse, a pen or a finger is pressed down in the window, and tells it when asked. */
export async function countPointers(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    const told = window as unknown as { pointersDown?: number }
    if (told.pointersDown === undefined)
      window.addEventListener('pointerdown', () => (told.pointersDown = (told.pointersDown ?? 0) + 1), true)
    told.pointersDown = 0
  })
  return () => page.evaluate(() => (window as unknown as { pointersDown: number }).pointersDown)
}

const no = (): Promise<boolean> => Promise.resolve(false)

/** With the keyboard alone: Tab, arrows, Enter and letters, from wherever the focus is. */
export function keyboard(page: Page): Hands {
  const isInside = (testId: string): Promise<boolean> =>
    page.evaluate((id) => (document.activeElement?.closest(`[data-testid="${id}"]`) ?? null) !== null, testId)
  const walk = async (key: () => string, hasArrived: () => Promise<boolean>, what: string): Promise<void> => {
    for (let stop = 0; stop < MOST_STOPS; stop += 1) {
      if (await hasArrived()) return
      await page.keyboard.press(key())
    }
    throw new Error(`${what} cannot be reached with ${key()}.`)
  }
  /** On a tab of the same row. */
  const isBesideTab = (tabId: string): Promise<boolean> =>
    page.evaluate((id) => {
      const row = document.activeElement?.closest('[role=tablist]') ?? null
      return (row?.querySelector(`[data-testid="${id}"]`) ?? null) !== null
    }, tabId)
  const isInTerminal = (): Promise<boolean> =>
    page.evaluate(() => (document.activeElement?.closest('.xterm') ?? null) !== null)
  const leaveTerminal = (): Promise<void> => page.keyboard.press('Control+Shift+L')
  /**
   * Forwards, until a terminal takes the keys: it is left by its own key, and the way goes on backwards. Beside the goal,
   * by the arrows.
   */
  const tabTo = async (testId: string, isBeside: (testId: string) => Promise<boolean> = no): Promise<void> => {
    await page.getByTestId(testId).waitFor({ timeout: SHOWN_MS })
    let [onward, key] = ['Tab', 'Tab']
    const hasArrived = async (): Promise<boolean> => {
      const isStopped = await isInTerminal()
      if (isStopped) {
        await leaveTerminal()
        onward = 'Shift+Tab'
      }
      if (!isStopped && (await isInside(testId))) return true
      // Asked at every stop: a dialog that has just closed gives the focus back a moment later.
      key = (await isBeside(testId)) ? 'ArrowRight' : onward
      return false
    }
    await walk(() => key, hasArrived, testId)
  }
  const press = async (testId: string): Promise<void> => {
    await tabTo(testId)
    await page.keyboard.press('Enter')
  }
  return {
    enterTerminal: async () => {
      if (await isTyping(page).isVisible()) return walk(() => 'Tab', isInTerminal, 'The terminal')
      await press('console-type')
      await isTyping(page).waitFor({ timeout: SHOWN_MS })
      if (!(await isInTerminal())) throw new Error('Whoever asked for the keyboard is not in the terminal.')
    },
    leaveTerminal,
    press,
    pressBlocked: press,
    choose: async (testId, item) => {
      await tabTo(testId)
      await page.keyboard.press('Enter')
      await page.getByTestId(item).waitFor({ timeout: SHOWN_MS })
      await walk(
        () => 'ArrowDown',
        () => isInside(item),
        item,
      )
      await page.keyboard.press('Enter')
    },
    show: (tabId) => tabTo(tabId, isBesideTab),
    mark: async (testId, index) => {
      await tabTo(testId)
      await page.keyboard.press('Home')
      for (let step = 0; step < index; step += 1) await page.keyboard.press('ArrowDown')
    },
    fill: async (testId, text) => {
      await tabTo(testId)
      await page.keyboard.press('Control+A')
      await page.keyboard.type(text)
    },
    pick: async (testId, option) => {
      await tabTo(testId)
      await page.keyboard.press('Enter')
      const wanted = page.getByRole('option', { name: new RegExp(`^${option}\\b`) })
      await wanted.waitFor({ timeout: SHOWN_MS })
      const isThere = (): Promise<boolean> =>
        wanted.evaluate((element) => element === document.activeElement || element.hasAttribute('data-highlighted'))
      await walk(() => 'ArrowDown', isThere, option)
      await page.keyboard.press('Enter')
    },
  }
}
