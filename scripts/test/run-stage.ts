import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { runChecks } from '../lib/checks.ts'
import { fromRoot, installedProgram, ROOT } from '../lib/paths.ts'
import { runAny } from '../lib/run.ts'
import { resultOfReport, type StageResult } from './counts.ts'
import type { Stage } from './stages.ts'

export interface StageContext {
  /** argv in front of a program that needs root; empty where we are root. */
  readonly rootPrefix: readonly string[]
  /** A home folder that is nobody's, so that no test finds the user's hosts, keys or agent. */
  readonly home: string
  /** Set for the windows' stage. */
  readonly electronProgram: string | undefined
}

/** Variables that would lead a test to something of the user's. */
const PRIVATE = /^(SSH_|PILOTHOUSE_|GIT_|XDG_|DISPLAY$|WAYLAND_DISPLAY$)/

function environmentFor(stage: Stage & { kind: 'vitest' }, context: StageContext): Record<string, string> {
  const inherited = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || PRIVATE.test(name) ? [] : [[name, value] as const],
  )
  const npmConfig = process.env['npm_config_userconfig'] ?? join(process.env['HOME'] ?? '/', '.npmrc')
  return {
    ...Object.fromEntries(inherited),
    HOME: context.home,
    npm_config_userconfig: npmConfig,
    ...(stage.needsShells === true ? { PILOTHOUSE_TEST_ELECTRON: context.electronProgram ?? '' } : {}),
    ...stage.environment,
  }
}

/** A stage does not go on when the one who would count it has ended. */
const END_WITH_US = ['setpriv', '--pdeathsig', 'TERM', '--']

async function runVitest(stage: Stage & { kind: 'vitest' }, context: StageContext): Promise<StageResult> {
  const report = fromRoot('test-results', `${stage.name}.json`)
  await mkdir(fromRoot('test-results'), { recursive: true })
  await rm(report, { force: true })
  const env = environmentFor(stage, context)
  const vitest = [installedProgram('node'), fromRoot('node_modules', 'vitest', 'vitest.mjs'), 'run', '--project']
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`]
  // sudo starts with an environment of its own: what the tests need is given on its command line.
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const isLifted = stage.needsRoot && context.rootPrefix.length > 0
  const prefix = isLifted ? [...context.rootPrefix, 'env', ...assignments] : END_WITH_US
  const argv = [...prefix, ...vitest, stage.name, ...(stage.files ?? []), ...reporters]
  const { exitCode } = await runAny(argv, { cwd: ROOT, env, output: 'inherit', deadlineMs: stage.deadlineMin * 60_000 })
  return resultOfReport(report, exitCode)
}

/** Runs one stage and answers what it came to. Each check counts as one test. */
export async function runStage(stage: Stage, context: StageContext): Promise<StageResult> {
  if (stage.kind === 'vitest') return runVitest(stage, context)
  const results = await runChecks(stage.checks)
  const failures = results.filter((result) => !result.isPassed).map((result) => result.name)
  return { counts: { passed: results.length - failures.length, failed: failures.length, skipped: 0 }, failures }
}
