import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { chown, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addAbortSignal, type Readable } from 'node:stream'
import { argvAs, environmentOf, type WindowUser } from './user.ts'

/** A display of our own, seen by nobody. */
export interface PrivateDisplay {
  readonly environment: { readonly DISPLAY: string; readonly XAUTHORITY: string }
  close(): Promise<void>
}

const START_DEADLINE_MS = 15_000
const ANY_ADDRESS = 0xffff

function counted(bytes: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** One Xauthority entry that is good for any display number of this machine. */
function authorityEntry(cookie: Buffer): Buffer {
  const family = Buffer.alloc(2)
  family.writeUInt16BE(ANY_ADDRESS)
  const nothing = Buffer.alloc(0)
  return Buffer.concat([family, ...[nothing, nothing, Buffer.from('MIT-MAGIC-COOKIE-1'), cookie].map(counted)])
}

/** Whether the environment names a display that a window could open on. */
export function hasDisplay(): boolean {
  return [process.env['DISPLAY'], process.env['WAYLAND_DISPLAY']].some((name) => name !== undefined && name !== '')
}

/** Starts an Xvfb that only the user with the cookie may use; the X server chooses a free number itself. */
export async function openPrivateDisplay(user: WindowUser, folder: string): Promise<PrivateDisplay> {
  const authority = join(folder, 'Xauthority')
  await writeFile(authority, authorityEntry(randomBytes(16)), { mode: 0o600 })
  if (process.getuid?.() === 0) await chown(authority, user.uid, user.gid)
  const [file = '', ...args] = argvAs(user, [
    ...['Xvfb', '-displayfd', '1', '-screen', '0', '1600x1000x24', '-nolisten', 'tcp', '-auth', authority],
  ])
  const server = spawn(file, args, { env: environmentOf(user), stdio: ['ignore', 'pipe', 'ignore'] })
  const close = async (): Promise<void> => {
    if (server.exitCode === null && server.signalCode === null && server.kill('SIGTERM')) await once(server, 'exit')
    await rm(authority, { force: true })
  }
  try {
    const number = await firstLine(server.stdout)
    return { environment: { DISPLAY: `:${number}`, XAUTHORITY: authority }, close }
  } catch (error) {
    await close()
    throw new Error('no display could be made: Xvfb did not start', { cause: error })
  }
}

async function firstLine(stream: Readable): Promise<string> {
  addAbortSignal(AbortSignal.timeout(START_DEADLINE_MS), stream)
  for await (const bytes of stream) return String(bytes).trim()
  throw new Error('Xvfb ended without a word')
}
