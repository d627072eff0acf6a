import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { rootPrefix } from '../lib/become-root.ts'
import { buildAll } from '../lib/build.ts'
import { removeAbandonedTestHosts } from '../private-host/leftovers.ts'
import { sum, summaryLine, type StageResult } from './counts.ts'
import { runStage, type StageContext } from './run-stage.ts'
import type { Stage } from './stages.ts'
import { findElectron, type ElectronRuntime } from '../window/electron-runtime.ts'
import { windowUser } from '../window/user.ts'

interface Outcome extends StageResult {
  readonly stage: Stage
  readonly seconds: number
}

const isRoot = process.getuid?.() === 0

async function runTimed(stage: Stage, context: StageContext): Promise<Outcome> {
  console.log(`\n── ${stage.name}: ${stage.what}`)
  const startedAt = performance.now()
  const result = await runStage(stage, context)
  return { stage, ...result, seconds: (performance.now() - startedAt) / 1000 }
}

async function electronFor(stages: readonly Stage[], home: string): Promise<ElectronRuntime | undefined> {
  const isNeeded = stages.some((stage) => stage.kind === 'vitest' && stage.needsShells === true)
  return isNeeded ? findElectron({ user: await windowUser(home), mayInstall: true }) : undefined
}

async function prefixFor(stages: readonly Stage[]): Promise<readonly string[]> {
  const needing = stages.filter((stage) => stage.kind === 'vitest' && stage.needsRoot).map((stage) => stage.name)
  return needing.length === 0 ? [] : rootPrefix(`A host of the tests' own (${needing.join(', ')})`)
}

function report(outcomes: readonly Outcome[], electron: ElectronRuntime | undefined): void {
  for (const { stage, failures } of outcomes) {
    for (const failure of failures) console.log(`\nFAILED ${stage.name}: ${failure}`)
  }
  console.log('')
  for (const { stage, counts, seconds } of outcomes) {
    console.log(`${stage.name.padEnd(12)} ${`${seconds.toFixed(1)} s`.padStart(9)}   ${summaryLine(counts)}`)
  }
  if (electron?.kind === 'found') console.log(`Electron ${electron.version}`)
  if (electron?.kind === 'absent') console.log(`NOT RUN: electron: ${electron.why}`)
  console.log(summaryLine(sum(outcomes.map((outcome) => outcome.counts))))
}

async function runStages(stages: readonly Stage[], home: string): Promise<void> {
  const prefix = await prefixFor(stages)
  if (stages.some((stage) => stage.kind === 'vitest' && stage.needsRoot)) await buildAll()
  const electron = await electronFor(stages, home)
  const context = {
    rootPrefix: prefix,
    home,
    electronProgram: electron?.kind === 'found' ? electron.program : undefined,
  }
  if (isRoot) await removeAbandonedTestHosts()
  const outcomes: Outcome[] = []
  for (const stage of stages) outcomes.push(await runTimed(stage, context))
  if (isRoot) await removeAbandonedTestHosts()
  report(outcomes, electron)
  const isIncomplete = electron?.kind === 'absent' && process.env['CI'] === 'true'
  if (isIncomplete || outcomes.some((outcome) => outcome.counts.failed > 0)) process.exitCode = 1
}

/** The stage that runs ends by itself when we are gone; the hosts of its tests are removed by the next run. */
function removeWhenInterrupted(home: string): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      rmSync(home, { recursive: true, force: true })
      process.exit(128 + constants.signals[signal])
    })
  }
}

/**
 * Runs the stages in order, in a home that is nobody's, and says what they came to; the last line is the summary. Sets
 * the exit status: failures, and in CI an Electron that was not there.
 */
export async function testMain(stages: readonly Stage[]): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'pilothouse-test-home-'))
  removeWhenInterrupted(home)
  try {
    await runStages(stages, home)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}
