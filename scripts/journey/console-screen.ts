import type { Locator, Page } from 'playwright'

const ECHO_DEADLINE_MS = 30_000
const OPEN_DEADLINE_MS = 30_000

/** What is on screen in the terminal, row by row, as a person reads it. */
export function terminalText(page: Page): Promise<string> {
  return page.getByTestId('console-terminal').locator('.xterm-rows').innerText()
}

/** Resolves when the console is live and has drawn something. */
export async function waitForConsole(page: Page): Promise<void> {
  const live = page.locator('[data-testid=console][data-link=live]')
  await live.waitFor({ state: 'visible', timeout: OPEN_DEADLINE_MS })
  await page.waitForFunction(
    () => Number(document.querySelector('[data-testid=console]')?.getAttribute('data-offset') ?? 0) > 0,
    undefined,
    { timeout: OPEN_DEADLINE_MS },
  )
}

/** Resolves when a line of the terminal on screen matches `pattern`, trailing blanks aside. */
async function waitForRow(page: Page, pattern: string): Promise<void> {
  await page.waitForFunction(
    (wanted) => {
      const rows = document.querySelectorAll<HTMLElement>('[data-testid=console-terminal] .xterm-rows > div')
      return [...rows].some((row) => new RegExp(wanted).test(row.innerText.replaceAll('\u00a0', ' ').trimEnd()))
    },
    pattern,
    { timeout: ECHO_DEADLINE_MS },
  )
}

/** Resolves when a line of the terminal on screen is exactly `line`. */
export async function waitForLine(page: Page, line: string): Promise<void> {
  await waitForRow(page, `^${line.replaceAll(/[^\w ]/g, '\\$&')}$`)
}

/** Resolves when the guest's shell waits for a command. */
export async function waitForPrompt(page: Page): Promise<void> {
  await waitForRow(page, '#$')
}

/** The console on screen as long as this window is the one that types into it. */
export function isTyping(page: Page): Locator {
  return page.locator('[data-testid=console][data-typing=true]')
}

/** Takes the keyboard of the console on screen; resolves when this window is the one that types. */
export async function takeKeyboard(page: Page): Promise<void> {
  const mine = isTyping(page)
  if (await mine.isVisible()) return
  await page.getByTestId('console-type').click()
  await mine.waitFor({ state: 'visible', timeout: OPEN_DEADLINE_MS })
}

/** Types a command into the guest and resolves when `answer` stands on a line of its own on screen. */
export async function typeAndRead(page: Page, command: string, answer: string): Promise<void> {
  await waitForPrompt(page)
  await takeKeyboard(page)
  await page.getByTestId('console-terminal').click()
  await enterAndRead(page, command, answer)
}

/** The same for a terminal that has the focus and the guest's keyboard. */
export async function enterAndRead(page: Page, command: string, answer: string): Promise<void> {
  await page.keyboard.type(command)
  await page.keyboard.press('Enter')
  await waitForLine(page, answer)
}
