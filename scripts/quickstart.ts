import './lib/require-node.ts'
import { rm } from 'node:fs/promises'
import { signalProcess, waitUntilGone } from '../host-daemon/system/processes.ts'
import { Teardown } from './lib/teardown.ts'
import { check, type CheckResult } from './quickstart/check.ts'
import { cleanHost } from './quickstart/host-process.ts'
import { Progress } from './quickstart/progress.ts'
import { openSession } from './quickstart/session.ts'
import { show } from './quickstart/show.ts'
import { runningQuickstart, stateFolderPath } from './quickstart/state-folder.ts'

const USAGE = `npm run quickstart               make this machine a host and open the window
npm run quickstart -- --check    the same without a display: drive the window, print the times
npm run quickstart -- --clean    remove every trace of it`

const STOP_DEADLINE_MS = 60_000

const progress = new Progress()

async function clean(folder: string): Promise<void> {
  const running = await runningQuickstart(folder)
  if (running !== undefined) {
    await signalProcess(running, 'SIGTERM')
    await waitUntilGone(running, { timeoutMs: STOP_DEADLINE_MS })
  }
  await cleanHost(folder)
  await rm(folder, { recursive: true, force: true })
  progress.say(`Nothing of quickstart is left; ${folder} is gone.`)
}

/** Runs the session and undoes what it began, however it ends. Answers what the check found, if it was one. */
async function run(folder: string, isCheck: boolean): Promise<CheckResult | undefined> {
  const teardown = new Teardown()
  try {
    const session = await openSession(folder, progress, teardown)
    if (isCheck) return await check(session, progress, teardown)
    await show(session, progress, teardown)
    return undefined
  } finally {
    const problems = await teardown.run()
    for (const problem of problems) progress.say(`Could not be undone: ${problem}`)
    if (problems.length > 0) process.exitCode = 1
  }
}

async function main(): Promise<void> {
  const [mode = '', ...rest] = process.argv.slice(2)
  if (rest.length > 0 || !['', '--check', '--clean'].includes(mode)) throw new Error(USAGE)
  const folder = await stateFolderPath()
  if (mode === '--clean') {
    await clean(folder)
    return
  }
  const result = await run(folder, mode === '--check')
  progress.mark('total')
  if (result !== undefined) console.log(JSON.stringify({ ...result, timesMs: progress.times }))
}

try {
  await main()
} catch (error) {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
