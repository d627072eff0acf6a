import { performance } from 'node:perf_hooks'
import { inParallel } from './parallel.ts'
import { fromRoot, installedProgram, ROOT } from './paths.ts'
import { runAny } from './run.ts'

/** One program that has to succeed over the sources. */
export interface Check {
  readonly name: string
  readonly argv: readonly string[]
}

const FOLDERS = ['src-shared', 'src-main', 'src-renderer', 'host-daemon', 'test', 'scripts']

function node(program: string, ...args: string[]): string[] {
  return [installedProgram('node'), installedProgram(program), ...args]
}

export const LINT_CHECKS: readonly Check[] = [
  { name: 'eslint', argv: node('eslint', '.', '--max-warnings=0') },
  { name: 'walls', argv: node('depcruise', '--config', '.dependency-cruiser.cjs', ...FOLDERS) },
  { name: 'knip', argv: node('knip') },
  { name: 'prettier', argv: node('prettier', '--check', '--log-level=warn', '.') },
]

export const TYPE_CHECKS: readonly Check[] = [
  { name: 'src-shared', argv: node('tsc', '-p', 'src-shared') },
  { name: 'src-main', argv: node('tsc', '-p', 'src-main') },
  { name: 'preload', argv: node('tsc', '-p', 'src-main/shell/electron/tsconfig.preload.json') },
  { name: 'src-renderer', argv: node('vue-tsc', '-p', 'src-renderer') },
  { name: 'host-daemon', argv: node('tsc', '-p', 'host-daemon') },
  { name: 'test and scripts', argv: node('tsc', '-p', 'test') },
]

export interface CheckResult {
  readonly name: string
  readonly isPassed: boolean
}

/** eslint knows six programs of types at once: more than Node's default heap. */
const ENVIRONMENT = { ...process.env, FORCE_COLOR: '0', NODE_OPTIONS: '--max-old-space-size=4096' }

async function runCheck(check: Check): Promise<CheckResult> {
  const startedAt = performance.now()
  const { exitCode, output } = await runAny(check.argv, { cwd: ROOT, env: ENVIRONMENT })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  const isPassed = exitCode === 0
  console.log(`${isPassed ? 'ok    ' : 'FAILED'}  ${check.name}  ${seconds} s`)
  if (!isPassed) console.log(output.replaceAll(`${fromRoot()}/`, ''))
  return { name: check.name, isPassed }
}

/** Runs all checks, at most two at once, and shows what failed. */
export async function runChecks(checks: readonly Check[]): Promise<CheckResult[]> {
  return inParallel(
    checks.map((check) => () => runCheck(check)),
    2,
  )
}

/** The whole of `npm run lint` and `npm run typecheck`: names given on the command line choose among the checks. */
export async function checksMain(checks: readonly Check[]): Promise<void> {
  const names = process.argv.slice(2)
  const chosen = names.length === 0 ? checks : checks.filter((check) => names.includes(check.name))
  const results = await runChecks(chosen)
  if (results.length === 0 || results.some((result) => !result.isPassed)) process.exitCode = 1
}
