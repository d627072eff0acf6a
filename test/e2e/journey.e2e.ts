import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { terminalText, typeAndRead, waitForConsole } from '../../scripts/journey/console-screen.ts'
import {
  destroyThroughDialog,
  openScreen,
  spawnThroughDialog,
  startThroughButton,
  stopThroughButton,
  waitForHost,
  waitForReady,
} from '../../scripts/journey/environment-screen.ts'
import { keepScreens, openTestWindow, SHELLS, type TestWindow } from '../support/test-window.ts'

const NAME = 'first'

describe.each(SHELLS)('an admin’s journey (%s)', (shell) => {
  let window: TestWindow
  beforeAll(async () => {
    window = await openTestWindow(shell, 'admin')
  })
  afterAll(() => window.dispose())

  it('begins with a host that is live and has no environments', async () => {
    await waitForHost(window.page, 'local')
    await window.page.getByTestId('empty').waitFor()
    await keepScreens(window, 'environments-empty')
  })

  it('makes an environment and watches it become ready', async () => {
    await spawnThroughDialog(window.page, NAME, () => keepScreens(window, 'spawn'))
    await keepScreens(window, 'starting')
    await waitForReady(window.page)
  })

  it('types into its console and reads the answer on screen', async () => {
    await waitForConsole(window.page)
    await typeAndRead(window.page, 'echo hello-$((6*7))', 'hello-42')
    await keepScreens(window, 'environment')
  })

  it('sees every other screen', async () => {
    for (const screen of ['environments', 'hosts', 'consoles', 'operations', 'settings'] as const) {
      await openScreen(window.page, screen)
      await keepScreens(window, screen)
    }
    await window.page.getByTestId('palette-button').click()
    await window.page.getByTestId('palette').waitFor()
    await keepScreens(window, 'palette')
    await window.page.keyboard.press('Escape')
  })

  it('goes on reading at the next byte after the connection was cut and the daemon killed', async () => {
    await openScreen(window.page, 'environments')
    await window.page.getByTestId('env-row').filter({ hasText: NAME }).getByTestId('env-open').click()
    await waitForConsole(window.page)
    await window.testHost.cutSsh()
    await window.testHost.killDaemon()
    await window.testHost.restartDaemon()
    await waitForHost(window.page, 'local')
    await waitForConsole(window.page)
    await typeAndRead(window.page, 'echo again-$((7*6))', 'again-42')
    const lines = (await terminalText(window.page)).replaceAll('\u00a0', ' ').split('\n')
    expect(lines.filter((line) => line.trimEnd() === 'hello-42')).toHaveLength(1)
  })

  it('stops it, starts it again with its home, and stops it', async () => {
    await typeAndRead(window.page, 'echo kept > /home/note; sync; echo done-$((1+1))', 'done-2')
    await stopThroughButton(window.page)
    await keepScreens(window, 'stopped')
    await startThroughButton(window.page)
    await waitForConsole(window.page)
    await typeAndRead(window.page, 'cat /home/note', 'kept')
    await stopThroughButton(window.page)
  })

  it('destroys it by the plan that the daemon has written', async () => {
    const plan = await destroyThroughDialog(window.page, NAME, () => keepScreens(window, 'destroy'))
    expect(plan).toContain(NAME)
    expect(await window.cli.environments()).toEqual([])
  })
})

describe.each(SHELLS)('a viewer’s window (%s)', (shell) => {
  let window: TestWindow
  beforeAll(async () => {
    window = await openTestWindow(shell, 'viewer')
  })
  afterAll(() => window.dispose())

  it('says the role, and why an environment cannot be made', async () => {
    await waitForHost(window.page, 'local')
    const spawn = window.page.getByTestId('spawn-button')
    await expect.poll(() => spawn.getAttribute('data-block')).toMatch(/operator/)
    expect(await spawn.getAttribute('aria-disabled')).toBe('true')
    await keepScreens(window, 'viewer')
  })
})
