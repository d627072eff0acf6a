import type { Duplex } from 'node:stream'
import type { Client, SFTPWrapper } from 'ssh2'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Disposable } from '../../src-shared/lib/disposable.ts'
import { channelSocket } from './channel-socket.ts'
import { lostError } from './diagnose.ts'
import type { ResolvedTarget } from './resolve-target.ts'

/** How far a question on the host may take, milliseconds. */
const COMMAND_DEADLINE_MS = 10_000
/** Most bytes taken of one answer. */
const OUTPUT_BYTES = 1024 * 1024
const FAREWELL_MS = 500
/** A word that a shell, whichever it is, hands on unchanged. */
const PLAIN_WORD = /^[A-Za-z0-9_./-]+$/

/** How one command on the host ended; `code` is null where it was killed. */
export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
}

/** Something on the connection that must not outlive its deadline. */
interface Closable {
  end(): void
}

/** One logged-in connection to one host; everything for that host goes through it. */
export interface SshLink extends Disposable {
  readonly target: ResolvedTarget
  /** Resolves with the reason when the connection has ended, whoever ended it. Never rejects. */
  readonly ended: Promise<PilothouseError>
  /** A stream to a unix socket on the host. Rejects when it cannot be opened; the server does not say why. */
  openUnixSocket(path: string): Promise<Duplex>
  /** Runs a program with plain words; null where a word is not plain or the host runs no commands for this login. */
  execute(argv: readonly string[]): Promise<CommandResult | null>
  /** A file by SFTP; null where it cannot be read, for whatever reason. */
  readFile(path: string): Promise<string | null>
}

/** `start` answers once; a channel that it opened after the deadline, or has not closed by then, is closed. */
function within<T>(
  start: (done: (value: T) => void, holds: (channel: Closable) => void) => void,
  fallback: T,
): Promise<T> {
  return new Promise((resolve) => {
    let isOver = false
    let held: Closable | undefined
    const done = (value: T): void => {
      clearTimeout(timer)
      isOver = true
      resolve(value)
    }
    const timer = setTimeout(() => {
      done(fallback)
      held?.end()
    }, COMMAND_DEADLINE_MS)
    start(done, (channel) => {
      held = channel
      if (isOver) channel.end()
    })
  })
}

function execute(client: Client, argv: readonly string[]): Promise<CommandResult | null> {
  if (!argv.every((word) => PLAIN_WORD.test(word))) return Promise.resolve(null)
  return within<CommandResult | null>((done, holds) => {
    client.exec(argv.join(' '), (error, channel) => {
      if (error !== undefined) {
        done(null)
        return
      }
      let stdout = ''
      let code: number | null = null
      holds({ end: () => channel.close() })
      channel.setEncoding('utf8')
      channel.on('data', (text: string) => {
        if (stdout.length < OUTPUT_BYTES) stdout += text
      })
      channel.on('error', () => done(null))
      channel.stderr.resume()
      channel.on('exit', (status: number | null) => (code = status))
      channel.on('close', () => done({ code, stdout }))
      channel.end()
    })
  }, null)
}

function readFile(client: Client, path: string): Promise<string | null> {
  return within<string | null>((done, holds) => {
    client.sftp((error, sftp: SFTPWrapper) => {
      if (error !== undefined) {
        done(null)
        return
      }
      holds(sftp)
      // What is no SFTP ends as an error of the whole session, which nobody else listens to.
      sftp.on('error', () => done(null))
      const parts: Buffer[] = []
      const file = sftp.createReadStream(path, { start: 0, end: OUTPUT_BYTES - 1 })
      const finish = (text: string | null): void => {
        sftp.end()
        done(text)
      }
      file.on('data', (part: Buffer) => void parts.push(part))
      file.on('error', () => finish(null))
      file.on('end', () => finish(Buffer.concat(parts).toString('utf8')))
    })
  }, null)
}

function openUnixSocket(client: Client, path: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      reject(new Error('The channel was not opened in time.'))
    }, COMMAND_DEADLINE_MS)
    client.openssh_forwardOutStreamLocal(path, (error, channel) => {
      clearTimeout(timer)
      if (error !== undefined) reject(error)
      else if (isLate) channelSocket(channel).destroy()
      else resolve(channelSocket(channel))
    })
  })
}

/** A call on a client whose connection has just ended throws instead of answering. */
async function guarded<T>(call: () => Promise<T>, target: ResolvedTarget): Promise<T> {
  try {
    return await call()
  } catch (error) {
    if (error instanceof Error && error.message === 'Not connected') throw lostError(undefined, target)
    throw error
  }
}

/** Takes over a logged-in client; `jumps` are closed after it. */
export function sshLink(client: Client, target: ResolvedTarget, jumps: readonly Client[]): SshLink {
  let lastError: Error | undefined
  let isDisposed = false
  client.on('error', (error) => (lastError ??= error))
  const ended = new Promise<PilothouseError>((resolve) => {
    client.once('close', () => {
      for (const jump of jumps) jump.destroy()
      const closed = new PilothouseError('cancelled', `The connection to ${target.host} was closed.`)
      resolve(isDisposed ? closed : lostError(lastError, target))
    })
  })
  return {
    target,
    ended,
    openUnixSocket: (path) => guarded(() => openUnixSocket(client, path), target),
    execute: (argv) => guarded(() => execute(client, argv), target),
    readFile: (path) => guarded(() => readFile(client, path), target),
    dispose: () => {
      isDisposed = true
      client.end()
      // A dead peer acknowledges nothing; the farewell gets a moment and no more.
      setTimeout(() => client.destroy(), FAREWELL_MS).unref()
    },
  }
}
