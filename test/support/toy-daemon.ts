import { once } from 'node:events'
import { chmod, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { isContractProcedure } from '@orpc/contract'
import { ORPCError, os, type AnyRouter } from '@orpc/server'
import { RequestHeadersPlugin, type RequestHeadersPluginContext } from '@orpc/server/plugins'
import { RPCHandler } from '@orpc/server/ws'
import { WebSocketServer, type WebSocket } from 'ws'
import { CLAIMED_ACTOR_HEADER, REQUEST_ID_HEADER } from '../../src-shared/contract/client.ts'
import {
  CONSOLE_CHUNK_BYTES,
  CONSOLE_WINDOW_BYTES,
  consoleRequestSchema,
  encodeConsoleChunk,
  type ConsoleNotice,
} from '../../src-shared/contract/console-stream.ts'
import { daemonContract, type DaemonEvent } from '../../src-shared/contract/daemon.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Cursor } from '../../src-shared/model/cursor.ts'
import { socketNameOf, type Role } from '../../src-shared/model/role.ts'
import { ANSWERS, backupSample, environmentSample, headSample } from './contract-samples.ts'

interface ToyCall {
  readonly name: string
  readonly input: unknown
  readonly requestId: string | null
  readonly claimedActor: string | null
}

/** A change without its place; the daemon gives it one. */
type Change = DaemonEvent extends infer Event
  ? Event extends { cursor: Cursor }
    ? Omit<Event, 'cursor'>
    : never
  : never

const NO_LEASE = { holder: null, since: null, isMine: false }

/**
 * A daemon of few words, for tests of what is in front of it: it speaks the contract on role sockets, sends events
 * from a numbered log with `since` and `reset`, and serves one console journal under the real flow control.
 */
export class ToyDaemon {
  readonly calls: ToyCall[] = []
  /** What each subscription asked to continue from. */
  readonly subscriptions: (Cursor | null)[] = []
  readonly typed: Buffer[] = []
  readonly offsetsAsked: number[] = []
  epoch = 'epoch-1'
  confirmEveryMs = 200
  private readonly answers = new Map<string, (input: unknown, signal?: AbortSignal) => unknown>()
  private log: DaemonEvent[] = []
  private seq = 0
  private journal = Buffer.alloc(0)
  private readonly servers: Server[] = []
  private readonly sockets = new WebSocketServer({ noServer: true })
  private readonly changed = new EventTarget()

  static async start(directory: string, roles: readonly Role[] = ['viewer', 'operator', 'admin']): Promise<ToyDaemon> {
    const daemon = new ToyDaemon()
    for (const role of roles) await daemon.listen(join(directory, socketNameOf(role)), role)
    const sockets = roles.map((role) => ({
      role,
      path: join(directory, socketNameOf(role)),
      group: `pilothouse-${role}`,
    }))
    await writeFile(join(directory, 'sockets.json'), JSON.stringify({ protocol: 1, version: '0.0.0', sockets }))
    return daemon
  }

  answer(name: string, answer: (input: unknown, signal?: AbortSignal) => unknown): void {
    this.answers.set(name, answer)
  }

  emit(change: Change): void {
    this.seq++
    this.log.push({ ...change, cursor: { epoch: this.epoch, seq: this.seq } })
    this.tell()
  }

  /** As after a restart: nobody's cursor means anything any more. */
  newEpoch(epoch: string): void {
    this.epoch = epoch
    this.log = []
    this.seq = 0
  }

  write(bytes: Buffer): void {
    this.journal = Buffer.concat([this.journal, bytes])
    this.tell()
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets.clients) socket.terminate()
    await Promise.all(this.servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }

  private tell(): void {
    this.changed.dispatchEvent(new Event('change'))
  }

  private async listen(path: string, role: Role): Promise<void> {
    const router = this.derive(daemonContract, [], role)
    const handler = new RPCHandler(router, { plugins: [new RequestHeadersPlugin()] })
    const server = createServer()
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.sockets.handleUpgrade(request, socket, head, (client) => {
        const url = new URL(request.url ?? '/', 'http://daemon')
        if (url.pathname === '/console') this.serveConsole(client, Number(url.searchParams.get('offset') ?? 0))
        else void handler.upgrade(client, { context: {} })
      })
    })
    server.listen(path)
    await once(server, 'listening')
    await chmod(path, 0o666)
    this.servers.push(server)
  }

  private derive(contract: object, path: readonly string[], role: Role): AnyRouter {
    if (isContractProcedure(contract)) {
      const call = os.$context<RequestHeadersPluginContext>()
      return call.handler(({ input, context, signal }) => this.take(path.join('.'), input, { context, signal, role }))
    }
    const entries = Object.entries(contract as Record<string, object>)
    return Object.fromEntries(entries.map(([key, node]) => [key, this.derive(node, [...path, key], role)]))
  }

  private async take(
    name: string,
    input: unknown,
    { context, signal, role }: { context: RequestHeadersPluginContext; signal: AbortSignal | undefined; role: Role },
  ): Promise<unknown> {
    const requestId = context.reqHeaders?.get(REQUEST_ID_HEADER) ?? null
    const claimedActor = context.reqHeaders?.get(CLAIMED_ACTOR_HEADER) ?? null
    this.calls.push({ name, input, requestId, claimedActor })
    if (name === 'events') return this.follow((input as { since?: Cursor } | undefined)?.since ?? null, signal)
    try {
      const answer = await this.answers.get(name)?.(input, signal)
      if (answer !== undefined) return answer
    } catch (error) {
      if (!(error instanceof PilothouseError)) throw error
      const { code, message, ...data } = error.toFailure()
      throw new ORPCError(code, { message, data: { ...data, requestId: requestId ?? '' } })
    }
    const { epoch } = this
    return name === 'hello' ? { ...ANSWERS.hello, epoch, role, now: Date.now() } : ANSWERS[name as keyof typeof ANSWERS]
  }

  private async *follow(since: Cursor | null, signal: AbortSignal | undefined): AsyncGenerator<DaemonEvent> {
    this.subscriptions.push(since)
    let at = since?.seq ?? this.seq
    const here = (): Cursor => ({ epoch: this.epoch, seq: this.seq })
    if (since !== null && since.epoch !== this.epoch) {
      yield { type: 'reset', cursor: here() }
      return
    }
    const activityHead = headSample
    if (since === null)
      yield {
        type: 'snapshot',
        cursor: here(),
        environments: [environmentSample],
        operations: [],
        backups: [backupSample],
        activityHead,
      }
    while (signal?.aborted !== true) {
      const next = this.log.find(({ cursor }) => cursor.seq === at + 1)
      if (next === undefined) {
        yield { type: 'confirmed', cursor: here(), now: Date.now(), activityHead }
        await this.nextChange(signal)
      } else {
        at++
        yield next
      }
    }
  }

  private async nextChange(signal: AbortSignal | undefined): Promise<void> {
    const bounded = AbortSignal.any([
      AbortSignal.timeout(this.confirmEveryMs),
      ...(signal === undefined ? [] : [signal]),
    ])
    await new Promise<void>((resolve) => {
      this.changed.addEventListener('change', () => resolve(), { once: true, signal: bounded })
      bounded.addEventListener('abort', () => resolve(), { once: true })
    })
  }

  private serveConsole(client: WebSocket, offset: number): void {
    this.offsetsAsked.push(offset)
    let sent = offset
    let acked = offset
    const boot = { ...ANSWERS['consoles.boots'][0]!, endOffset: this.journal.length }
    const opened: ConsoleNotice = { type: 'opened', boot, offset, lease: NO_LEASE }
    client.send(JSON.stringify(opened))
    const pump = (): void => {
      while (sent < this.journal.length && sent - acked < CONSOLE_WINDOW_BYTES) {
        const bytes = this.journal.subarray(sent, sent + CONSOLE_CHUNK_BYTES)
        client.send(encodeConsoleChunk({ offset: sent, bytes }))
        sent += bytes.length
      }
    }
    client.on('message', (data: Buffer, isBinary) => {
      if (isBinary) this.typed.push(data)
      else {
        const request = consoleRequestSchema.parse(JSON.parse(data.toString()))
        if (request.type === 'ack') acked = request.offset
      }
      pump()
    })
    this.changed.addEventListener('change', pump)
    client.on('close', () => this.changed.removeEventListener('change', pump))
    pump()
  }
}
