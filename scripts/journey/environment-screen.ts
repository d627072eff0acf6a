import type { Page } from 'playwright'

const READY_DEADLINE_MS = 120_000
const STOP_DEADLINE_MS = 60_000
const SHOWN_DEADLINE_MS = 15_000

/** Resolves when the window shows the host as connected. */
export async function waitForHost(page: Page, name: string): Promise<void> {
  await page.locator(`[data-testid=host-link][title^="${name}: Live"]`).waitFor({ timeout: SHOWN_DEADLINE_MS })
}

async function waitForState(page: Page, observed: string, deadlineMs: number): Promise<void> {
  await page.locator(`[data-testid=state][data-observed=${observed}]`).waitFor({ timeout: deadlineMs })
}

/** Called while something is on screen that the journey goes on from. */
export type Look = () => Promise<void>

/** Makes an environment of owner `local` through the dialog; resolves when its page is on screen. */
export async function spawnThroughDialog(page: Page, name: string, look?: Look): Promise<void> {
  await page.getByTestId('spawn-button').click()
  const dialog = page.getByRole('dialog')
  await dialog.getByTestId('spawn-name').fill(name)
  await dialog.getByTestId('spawn-owner').click()
  await page.getByRole('option', { name: /^local\b/ }).click()
  await look?.()
  await dialog.getByTestId('spawn-submit').click()
  await dialog.waitFor({ state: 'hidden', timeout: SHOWN_DEADLINE_MS })
  await page.getByTestId('env-title').filter({ hasText: name }).waitFor({ timeout: SHOWN_DEADLINE_MS })
}

/** Resolves when the environment on screen is shown as running, which takes its agent to have answered. */
export async function waitForReady(page: Page): Promise<void> {
  await waitForState(page, 'running', READY_DEADLINE_MS)
}

/** Resolves when the environment on screen is shown as stopped. */
export async function stopThroughButton(page: Page): Promise<void> {
  await page.getByTestId('stop').click()
  await waitForState(page, 'stopped', STOP_DEADLINE_MS)
}

/** Resolves when the environment on screen is shown as running again. */
export async function startThroughButton(page: Page): Promise<void> {
  await page.getByTestId('start').click()
  await waitForReady(page)
}

/** What stands on each screen and on no other. */
const SCREENS = {
  environments: 'env-filter',
  hosts: 'add-host-button',
  consoles: 'console-add',
  operations: 'operations-filter',
  settings: 'setting-theme',
} as const

/** Goes to a screen by its address; resolves when it is shown. */
export async function openScreen(page: Page, screen: keyof typeof SCREENS): Promise<void> {
  await page.evaluate((name) => {
    location.hash = `#/${name}`
  }, screen)
  await page.getByTestId(SCREENS[screen]).first().waitFor({ timeout: SHOWN_DEADLINE_MS })
}

/** Reads the plan, types the name where it is asked for, confirms; resolves with the plan when the list, shown again, is without it. */
export async function destroyThroughDialog(page: Page, name: string, look?: Look): Promise<string> {
  await page.getByTestId('actions').click()
  await page.getByTestId('destroy').click()
  const dialog = page.getByRole('dialog')
  const plan = dialog.getByTestId('danger-plan')
  await plan.waitFor({ timeout: SHOWN_DEADLINE_MS })
  const text = await plan.innerText()
  const typedName = dialog.getByTestId('danger-name')
  if (await typedName.isVisible()) await typedName.fill(name)
  await look?.()
  await dialog.getByTestId('danger-confirm').click()
  await dialog.waitFor({ state: 'hidden', timeout: SHOWN_DEADLINE_MS })
  await page.getByTestId('env-id').waitFor({ state: 'hidden', timeout: STOP_DEADLINE_MS })
  await page.getByTestId('back').click()
  await page.getByTestId('spawn-button').waitFor({ timeout: SHOWN_DEADLINE_MS })
  await page.getByTestId('env-row').filter({ hasText: name }).waitFor({ state: 'hidden', timeout: SHOWN_DEADLINE_MS })
  return text
}

/** Goes to the page of an environment by its row; resolves when it is shown. */
export async function openEnvironment(page: Page, name: string): Promise<void> {
  await openScreen(page, 'environments')
  await page.getByTestId('env-row').filter({ hasText: name }).getByTestId('env-open').click()
  await page.getByTestId('env-title').filter({ hasText: name }).waitFor({ timeout: SHOWN_DEADLINE_MS })
}
