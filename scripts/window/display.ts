import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { argvAs, environmentOf, type WindowUser } from './user.ts'

/** A display of our own, seen by nobody. */
export interface PrivateDisplay {
  readonly environment: { readonly DISPLAY: string; readonly XAUTHORITY: string }
  close(): Promise<void>
}

const START_DEADLINE_MS = 15_000
const ANY_ADDRESS = 0xffff
const SOCKET_FOLDER = '/tmp/.X11-unix'

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

/** Where X servers put their sockets. Made by root as every system has it, so that it is never a user's. */
async function makeSocketFolder(): Promise<void> {
  if (process.getuid?.() !== 0 || (await mkdir(SOCKET_FOLDER, { recursive: true })) === undefined) return
  await chmod(SOCKET_FOLDER, 0o1777)
}

/** Starts an Xvfb that only the user with the cookie may use; the X server chooses a free number itself. */
export async function openPrivateDisplay(user: WindowUser, folder: string): Promise<PrivateDisplay> {
  await makeSocketFolder()
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

/** The pipe stays open: the X server dies of a closed one. */
async function firstLine(stream: Readable): Promise<string> {
  for await (const line of createInterface({ input: stream, signal: AbortSignal.timeout(START_DEADLINE_MS) })) {
    stream.resume()
    return line.trim()
  }
  throw new Error('Xvfb ended without a word')
}
