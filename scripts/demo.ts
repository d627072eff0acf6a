import './lib/require-node.ts'
import { parseArgs } from 'node:util'
import { openConsoleOf, ownConsoleFolder } from './demo/console-of.ts'
import { openOwnHost } from './demo/own-host.ts'
import { demonstrateRecovery, type RecoveryTimes } from './demo/recovery.ts'
import { command } from './lib/command.ts'
import { Teardown } from './lib/teardown.ts'
import { Progress } from './quickstart/progress.ts'

const USAGE = `npm run demo:recovery                   on a host of its own, made in a temporary folder and removed again
npm run demo:recovery -- --host NAME    on a host of this console's list, as an admin`

const progress = new Progress()

/** Rejects at the first signal to end; what was begun is undone then. */
function interruption(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        reject(new Error('Interrupted.'))
      })
    }
  })
}

async function work(host: string | undefined, teardown: Teardown): Promise<RecoveryTimes> {
  if (host !== undefined) {
    const place = { ...openConsoleOf(ownConsoleFolder(), teardown), host }
    return demonstrateRecovery(place, progress, teardown)
  }
  return demonstrateRecovery(await openOwnHost(progress, teardown), progress, teardown)
}

/** What is printed is the last word: what was begun has been undone by then, or it says so. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ options: { host: { type: 'string' } }, allowPositionals: true })
  if (positionals.join(' ') !== 'recovery') throw new Error(USAGE)
  const teardown = new Teardown()
  let times: RecoveryTimes
  try {
    times = await Promise.race([work(values.host, teardown), interruption()])
  } finally {
    const problems = await teardown.run()
    for (const problem of problems) progress.say(`Could not be undone: ${problem}`)
    if (problems.length > 0) process.exitCode = 1
  }
  progress.mark('total')
  console.log(JSON.stringify({ ok: process.exitCode !== 1, ...times, timesMs: progress.times }))
}

await command(main)
// A connection that is being closed may still hold the event loop.
process.exit()
