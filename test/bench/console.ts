import { createHash } from 'node:crypto'
import { appendFile, readFile } from 'node:fs/promises'
import type { Page } from 'playwright'
import { openScreen } from '../../scripts/journey/environment-screen.ts'
import { VIEW_ROOT } from '../../scripts/private-host/layout.ts'
import type { Environment, EnvironmentSize } from '../../src-shared/model/environment.ts'
import type { EnvironmentName, ImageRef, OwnerName } from '../../src-shared/model/ids.ts'
import { linkTo, newCommandId, newContext } from '../support/ssh-link.ts'
import { openTestWindow, type TestWindow } from '../support/test-window.ts'
import type { Bench } from './lib/bench-deps.ts'
import { watchDrawing } from './lib/drawing.ts'
import { journalPayload } from './lib/journal-payload.ts'
import { runPaired, type BenchLine } from './lib/paired-run.ts'
import { openTerminalPage } from './lib/terminal-page.ts'
import { stopWatchingNetwork } from './lib/unwatched-network.ts'
import { takeReceived, tapWire } from './lib/wire-tap.ts'

const PAIRS = 15
const WARM_UPS = 4
const MIB = 1024 * 1024
const PAYLOAD_BYTES = 48 * MIB
const LAST_LINE = 'pilothouse bench: this is the last line of the journal'
const SIZE: Partial<EnvironmentSize> = { cpus: 1, memoryMiB: 128, homeMiB: 64 }
const OPERATION_DEADLINE_MS = 150_000

/** Starts a guest and gives its console's journal the payload, behind what it said at its boot. */
async function journalOf(window: TestWindow): Promise<{ environment: Environment; journal: Buffer }> {
  const link = await linkTo(window.testHost, 'admin')
  try {
    const name = 'bench' as EnvironmentName
    const input = {
      commandId: newCommandId(),
      name,
      owner: 'local' as OwnerName,
      image: 'minimal@1' as ImageRef,
      size: SIZE,
    }
    const { id } = await link.client.environments.spawn(input, newContext())
    const ended = await link.client.operations.wait({ id, timeoutMs: OPERATION_DEADLINE_MS }, newContext())
    if (ended.status.kind !== 'succeeded') throw new Error(`the guest did not start: ${ended.status.kind}`)
    const environment = await link.client.environments.get({ environment: name }, newContext())
    const path = journalPath(window, environment)
    await appendFile(path, journalPayload(PAYLOAD_BYTES, LAST_LINE))
    return { environment, journal: await readFile(path) }
  } finally {
    link.dispose()
  }
}

/** The journals are in a space of the daemon's own; its process sees them. */
function journalPath({ testHost }: TestWindow, { boot }: Environment): string {
  const daemon = testHost.host.daemon
  if (daemon === undefined || boot === null) throw new Error('neither daemon nor boot may be missing here')
  return `/proc/${daemon.pid}/root${VIEW_ROOT}/state/consoles/${boot.id}.log`
}

interface Scene {
  readonly window: TestWindow
  readonly environment: Environment
  readonly journal: Buffer
  readonly terminalPage: Page
  readonly look: { width: number; height: number; fontSize: number; isDark: boolean }
}

/** Opens the console on screen and answers with MB/s; throws when anything of the journal is missing. */
async function measureOurs({ window, environment, journal }: Scene): Promise<number> {
  const { page } = window
  await page.bringToFront()
  const drawn = watchDrawing(page, LAST_LINE)
  await page.evaluate((hash) => (location.hash = hash), `#/environments/${window.hostId}/${environment.id}`)
  const tookMs = await drawn
  await assertWhole(page, journal)
  await openScreen(page, 'settings')
  return megabytesPerSecond(journal, tookMs)
}

async function assertWhole(page: Page, journal: Buffer): Promise<void> {
  const received = await takeReceived(page)
  const sha256 = createHash('sha256').update(journal).digest('hex')
  const wanted = { offset: 0, bytes: journal.length, sha256, misplaced: 0 }
  if (JSON.stringify(received) !== JSON.stringify(wanted)) {
    throw new Error(`the window got ${JSON.stringify(received)} of a journal that is ${JSON.stringify(wanted)}`)
  }
}

async function measureAlone({ terminalPage, journal, look }: Scene): Promise<number> {
  await terminalPage.bringToFront()
  const drawn = watchDrawing(terminalPage, LAST_LINE)
  await terminalPage.evaluate((how) => {
    window.terminalPage.start(how)
  }, look)
  const tookMs = await drawn
  await terminalPage.evaluate(() => {
    window.terminalPage.stop()
  })
  return megabytesPerSecond(journal, tookMs)
}

function megabytesPerSecond(journal: Buffer, tookMs: number): number {
  return journal.length / 1e6 / (tookMs / 1000)
}

/** The terminal's place in the window: the one alone is given exactly the same. */
async function lookOf({ page, hostId }: TestWindow, environment: Environment): Promise<Scene['look']> {
  await page.evaluate((hash) => (location.hash = hash), `#/environments/${hostId}/${environment.id}`)
  await page.locator('[data-testid=console-terminal] .xterm-rows').waitFor()
  const look = await page.evaluate(() => {
    const terminal = document.querySelector('[data-testid=console-terminal]') as HTMLElement
    const rows = document.querySelector('[data-testid=console-terminal] .xterm-rows') as HTMLElement
    return {
      width: terminal.offsetWidth,
      height: terminal.offsetHeight,
      fontSize: Number.parseFloat(getComputedStyle(rows).fontSize),
      isDark: document.documentElement.classList.contains('dark'),
    }
  })
  await openScreen(page, 'settings')
  return look
}

async function prepare(window: TestWindow): Promise<Scene> {
  const { environment, journal } = await journalOf(window)
  const look = await lookOf(window, environment)
  await tapWire(window.page)
  await stopWatchingNetwork(window.page)
  const terminalPage = await openTerminalPage(window.page.context(), journal)
  return { window, environment, journal, terminalPage, look }
}

async function measure(scene: Scene, options: Parameters<Bench>[0]): Promise<BenchLine> {
  return runPaired({
    bench: 'console',
    metric: 'throughput_ratio',
    pairs: options.pairs ?? PAIRS,
    warmUps: WARM_UPS,
    measuredIn: 'MB/s of the journal, drawn on screen',
    reference: () => measureAlone(scene),
    ours: () => measureOurs(scene),
    onProgress: options.onProgress,
    details: () => ({
      journalBytes: scene.journal.length,
      shell: scene.window.shell,
      look: scene.look,
      lost: 0,
      sha256: 'equal in every run',
    }),
  })
}

/**
 * A journal's bytes through daemon, tunnel, main and bridge into xterm on screen, in Chromium on the web shell ÷ the
 * same bytes from memory into the same xterm component alone in the same browser. Nothing may be lost on the way.
 */
export const benchConsole: Bench = async (options) => {
  const window = await openTestWindow('web', 'admin')
  try {
    return [await measure(await prepare(window), options)]
  } finally {
    await window.dispose()
  }
}
