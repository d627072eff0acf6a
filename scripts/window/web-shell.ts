import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fromRoot, installedProgram } from '../lib/paths.ts'
import { argvAs, type WindowUser } from './user.ts'

const START_DEADLINE_MS = 20_000
const ADDRESS = /http:\/\/127\.0\.0\.1:[0-9]+\/\S*/

/** The web shell as the window's user: the same console, served on loopback. */
export interface WebShell {
  /** With the token of this launch; whoever has it has the console. */
  readonly address: string
  /** Resolves when it has ended. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

/** Starts the web shell and resolves with its address, as it says it. */
export async function startWebShell(user: WindowUser, environment: Record<string, string>): Promise<WebShell> {
  const [file = '', ...args] = argvAs(user, [installedProgram('node'), fromRoot('out', 'main', 'web.js')])
  const child = spawn(file, args, { cwd: '/', env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(child, 'exit').then(() => undefined)
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await ended
  }
  try {
    return { address: await addressFrom(child.stdout), ended, close }
  } catch (error) {
    await close()
    throw new Error('the web shell did not say its address', { cause: error })
  }
}

async function addressFrom(stdout: Readable): Promise<string> {
  const lines = createInterface({ input: stdout, signal: AbortSignal.timeout(START_DEADLINE_MS) })
  for await (const line of lines) {
    const found = ADDRESS.exec(line)?.[0]
    if (found === undefined) continue
    stdout.resume()
    return found
  }
  throw new Error('it ended at its start')
}
