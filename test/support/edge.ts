import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:net'
import { RPCLink } from '@orpc/client/websocket'
import { pino } from 'pino'
import { WebSocket } from 'ws'
import { createContractClient, linkOptionsFor } from '../../src-shared/contract/client.ts'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import { socketNameOf, type Role } from '../../src-shared/model/role.ts'
import { requestIdSchema } from '../../src-shared/model/ids.ts'
import { loadSettings, type Settings } from '../../host-daemon/config/settings.ts'
import { startServer, type ServerOptions } from '../../host-daemon/server/server.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { SystemRandom } from '../../host-daemon/system/random.ts'
import { createTestRouter, type TestHandlers } from './test-router.ts'

export const REQUEST_ID = requestIdSchema.parse('req-0123456789abcdef')

const OWNER_ONLY = { viewer: null, operator: null, admin: null }

/** A folder of its own under /tmp, and how to take it away. */
export async function temporaryFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'ph-'))
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}

/** Lines that the daemon logged, parsed. */
export interface CapturedLog {
  readonly lines: Record<string, unknown>[]
  readonly logger: ServerOptions['logger']
}

export function captureLog(): CapturedLog {
  const lines: Record<string, unknown>[] = []
  const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>)
  return { lines, logger: pino({ level: 'trace' }, { write }) }
}

export interface EdgeOptions {
  readonly handlers?: TestHandlers
  readonly consoles?: ServerOptions['consoles']
  readonly limits?: Partial<Settings['limits']>
  readonly roleGroups?: Settings['roleGroups']
  readonly deadlines?: Partial<Settings['deadlines']>
}

export type Edge = Awaited<ReturnType<typeof startEdge>>

/** The daemon's edge on real sockets, with a test router behind it. */
export async function startEdge(options: EdgeOptions = {}) {
  const folder = await temporaryFolder()
  const defaults = await loadSettings({ environment: {} })
  const log = captureLog()
  const settings = {
    socketDirectory: join(folder.path, 'run'),
    roleGroups: options.roleGroups ?? OWNER_ONLY,
    limits: { ...defaults.limits, ...options.limits },
    deadlines: { ...defaults.deadlines, ...options.deadlines },
  }
  const server = await startServer({
    settings,
    version: '0.0.0-test',
    router: createTestRouter(options.handlers),
    consoles: options.consoles ?? { serve: (socket) => socket.close() },
    logger: log.logger,
    clock: new SystemClock(),
    random: new SystemRandom(),
  })
  return {
    settings,
    log,
    socketOf: (role: Role) => join(settings.socketDirectory, socketNameOf(role)),
    stop: async () => {
      await server.stop()
      await folder.remove()
    },
  }
}

/** A WebSocket over a unix socket. Whoever listens for messages does so before it is open: some come with the opening. */
export function dialWebSocket(socketPath: string, path: string, headers: Record<string, string> = {}): WebSocket {
  const socket = new WebSocket(`ws://host${path}`, { createConnection: () => connect(socketPath), headers })
  socket.binaryType = 'nodebuffer'
  return socket
}

export async function opened(socket: WebSocket): Promise<WebSocket> {
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  return socket
}

export async function openWebSocket(socketPath: string, path: string, headers: Record<string, string> = {}) {
  return await opened(dialWebSocket(socketPath, path, headers))
}

/** The contract's own client on a role socket. */
export async function connectClient(socketPath: string) {
  const socket = await openWebSocket(socketPath, '/rpc')
  const link = new RPCLink({ websocket: socket as never, ...linkOptionsFor(daemonContract) } as never)
  return { client: createContractClient(daemonContract, link as never), socket }
}

/** The next message that `matches`, or a failure that says what came instead. */
export function nextMessage(socket: WebSocket, matches: (data: Buffer) => boolean = () => true): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stop = (settle: () => void): void => {
      clearTimeout(timer)
      socket.off('message', take)
      socket.off('close', closed)
      settle()
    }
    const timer = setTimeout(() => stop(() => reject(new Error('no such message within 5 s'))), 5_000)
    const take = (data: Buffer): void => {
      if (matches(data)) stop(() => resolve(data))
    }
    const closed = (code: number, reason: Buffer): void =>
      stop(() => reject(new Error(`closed with ${code} ${reason.toString()}`)))
    socket.on('message', take)
    socket.on('close', closed)
  })
}

export function closeOf(socket: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })))
}

/** Waits for a condition, for at most `timeoutMs`. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs = 5_000): Promise<void> {
  const deadline = Date.now() + timeoutMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not so after ${timeoutMs} ms: ${condition.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
