// The entry of every npm script. Plain JavaScript without dependencies, because it runs on whatever Node (≥ 18) the
// machine has, before anything is installed: it installs what the command needs, then runs the command under the
// project's own Node.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { setInterval } from 'node:timers'
import { fileURLToPath } from 'node:url'
import { ensureModules } from './bootstrap/modules.mjs'
import { ensurePackages } from './bootstrap/packages.mjs'
import { Refusal } from './bootstrap/refusal.mjs'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const LOWEST_NODE = 18
const PARENT_POLL_MS = 500
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

function checkMachine() {
  const major = Number(process.versions.node.split('.')[0])
  if (major < LOWEST_NODE) {
    throw new Refusal(`This needs Node ${LOWEST_NODE} or newer to start; this is Node ${process.versions.node}.`)
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Refusal(`Pilothouse is built and run on Linux x64; this is ${process.platform} ${process.arch}.`)
  }
}

function checkCommand(command) {
  if (command !== undefined && /^[a-z]+$/.test(command) && existsSync(join(ROOT, 'scripts', `${command}.ts`))) return
  throw new Refusal(`There is no command "${command ?? ''}". The commands are the scripts in package.json.`)
}

/** npm may end of a signal without passing it on; the command is told when that has happened. */
function tellWhenParentIsGone(child) {
  const parent = process.ppid
  setInterval(() => process.ppid !== parent && child.kill('SIGTERM'), PARENT_POLL_MS).unref()
}

/** Resolves with the exit status of the command. Signals are passed on; the command decides what they mean. */
function runCommand(command, args) {
  const node = join(ROOT, 'node_modules', '.bin', 'node')
  const child = spawn(node, [join(ROOT, 'scripts', `${command}.ts`), ...args], { stdio: 'inherit' })
  tellWhenParentIsGone(child)
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
}

async function main() {
  const [command, ...args] = process.argv.slice(2)
  checkMachine()
  checkCommand(command)
  await ensurePackages(command, args)
  await ensureModules(ROOT)
  process.exitCode = await runCommand(command, args)
}

main().catch((error) => {
  if (!(error instanceof Refusal)) throw error
  process.stderr.write(`\n${error.message}\n`)
  process.exitCode = 1
})
