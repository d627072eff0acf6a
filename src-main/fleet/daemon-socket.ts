import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import { PilothouseError, type ErrorCode } from '../../src-shared/error.ts'
import type { MessageChannelLike } from '../../src-shared/lib/message-channel.ts'
import { webSocketChannel } from '../lib/web-socket-channel.ts'

/** The largest message taken from a daemon: a snapshot of ten thousand environments is about 6 MB. */
const MESSAGE_BYTES_MOST = 64 * 1024 * 1024
const UPGRADE_DEADLINE_MS = 10_000
const LOST = 'The connection to the daemon was lost.'

const CODE_OF_STATUS: Record<number, ErrorCode> = { 400: 'invalid_request', 403: 'forbidden', 404: 'not_found' }

function refusalOf({ statusCode = 0, statusMessage = '' }: IncomingMessage): PilothouseError {
  const code = CODE_OF_STATUS[statusCode] ?? 'daemon_absent'
  return new PilothouseError(code, `The daemon refused the connection: ${statusCode} ${statusMessage}.`)
}

export interface UpgradeOptions {
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/** Opens a WebSocket to the daemon over a stream that is already connected to one of its sockets; takes it over. */
export function upgrade(stream: Duplex, path: string, options: UpgradeOptions = {}): Promise<MessageChannelLike> {
  const socket = new WebSocket(`ws://daemon${path}`, {
    createConnection: () => stream as never,
    perMessageDeflate: false,
    maxPayload: MESSAGE_BYTES_MOST,
    handshakeTimeout: UPGRADE_DEADLINE_MS,
    headers: { ...options.headers },
  })
  return new Promise((resolve, reject) => {
    const fail = (error: PilothouseError): void => {
      options.signal?.removeEventListener('abort', abort)
      reject(error)
      socket.terminate()
      stream.destroy()
    }
    const abort = (): void => fail(new PilothouseError('cancelled', 'Connecting to the daemon was cancelled.'))
    options.signal?.addEventListener('abort', abort, { once: true })
    socket.once('unexpected-response', (_request, response) => fail(refusalOf(response)))
    socket.on('error', (error) =>
      fail(new PilothouseError('daemon_absent', "Nothing answers on the daemon's socket.", { cause: error })),
    )
    const channel = webSocketChannel(socket, LOST)
    socket.once('open', () => {
      options.signal?.removeEventListener('abort', abort)
      resolve(channel)
    })
    if (options.signal?.aborted === true) abort()
  })
}

const SOCKET_SENTENCES: Record<string, [ErrorCode, (path: string) => string]> = {
  ENOENT: ['daemon_absent', (path) => `There is no daemon socket at ${path}.`],
  ECONNREFUSED: ['daemon_absent', (path) => `No daemon listens on ${path}.`],
  EACCES: ['forbidden', (path) => `You may not open the daemon's socket ${path}.`],
}

/** A stream to a unix socket of this machine. Throws `daemon_absent` or, where it is denied, `forbidden`. */
export function openLocalSocket(path: string): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path })
    socket.once('connect', () => resolve(socket))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const [code, says] = SOCKET_SENTENCES[error.code ?? ''] ?? ['daemon_absent', () => `${path} could not be opened.`]
      reject(new PilothouseError(code, says(path), { cause: error }))
    })
  })
}
