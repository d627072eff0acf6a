import './lib/require-node.ts'
import { rm } from 'node:fs/promises'
import { signalProcess, waitUntilGone } from '../host-daemon/system/processes.ts'
import { command } from './lib/command.ts'
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

/** Someone asked for the end; for the window's session that is the ordinary one. */
class Interrupted extends Error {}

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

/** Rejects at the first signal to end. Later ones change nothing: what was begun is being undone. */
function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        reject(new Interrupted())
      })
    }
  })
}

async function work(folder: string, isCheck: boolean, teardown: Teardown): Promise<CheckResult | undefined> {
  const session = await openSession(folder, progress, teardown)
  if (isCheck) return check(session, progress, teardown)
  await show(session, progress, teardown)
  return undefined
}

/** Undoes what was begun, however the work ends. */
async function run(folder: string, isCheck: boolean): Promise<CheckResult | undefined> {
  const teardown = new Teardown()
  try {
    return await Promise.race([work(folder, isCheck, teardown), interruption()])
  } finally {
    progress.say('Stopping the guests, the daemon and sshd; homes are kept.')
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

await command(() =>
  main().catch((error: unknown) => {
    if (!(error instanceof Interrupted)) throw error
    // The work that was interrupted may still hold the event loop.
    process.exit(process.argv.includes('--check') ? 130 : 0)
  }),
)
