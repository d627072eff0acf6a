import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { implement, type AnyRouter } from '@orpc/server'
import { RequestHeadersPlugin, type RequestHeadersPluginContext } from '@orpc/server/plugins'
import { RPCHandler } from '@orpc/server/ws'
import { isContractProcedure } from '@orpc/contract'
import { WebSocketServer } from 'ws'
import { CLAIMED_ACTOR_HEADER, REQUEST_ID_HEADER } from '../../src-shared/contract/client.ts'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { DaemonCallName } from '../../src-main/shell/cli/spelling.ts'
import { ORPCError } from '@orpc/server'
import { ANSWERS } from './contract-samples.ts'

/** One call as the daemon got it. */
export interface RecordedCall {
  readonly name: DaemonCallName
  readonly input: unknown
  readonly requestId: string | null
  readonly claimedActor: string | null
}

type Answer = (input: unknown) => unknown

/**
 * A daemon that derives from the contract: it takes every call, parses it as the real one does, records it, and
 * answers with a sample, or with what a test gave it. Nothing is ever done.
 */
export class FakeDaemon {
  readonly calls: RecordedCall[] = []
  private readonly answers = new Map<DaemonCallName, Answer>()

  /** From now on the call answers so; a thrown PilothouseError goes over the wire as the daemon's would. */
  answer(name: DaemonCallName, answer: Answer): void {
    this.answers.set(name, answer)
  }

  callsOf(name: DaemonCallName): RecordedCall[] {
    return this.calls.filter((call) => call.name === name)
  }

  router(): AnyRouter {
    return this.implementNode(daemonContract, implement(daemonContract), [])
  }

  private implementNode(contract: object, implementer: unknown, path: readonly string[]): AnyRouter {
    if (!isContractProcedure(contract)) {
      const entries = Object.entries(contract as Record<string, object>).map(([key, node]) => {
        return [key, this.implementNode(node, (implementer as Record<string, unknown>)[key], [...path, key])]
      })
      return Object.fromEntries(entries) as AnyRouter
    }
    const name = path.join('.') as DaemonCallName
    const procedure = implementer as { handler(handle: (options: HandlerOptions) => unknown): AnyRouter }
    return procedure.handler(({ input, context }) => this.take(name, input, context))
  }

  private take(name: DaemonCallName, input: unknown, context: RequestHeadersPluginContext): unknown {
    const actor = context.reqHeaders?.get(CLAIMED_ACTOR_HEADER) ?? null
    this.calls.push({
      name,
      input,
      requestId: context.reqHeaders?.get(REQUEST_ID_HEADER) ?? null,
      claimedActor: actor === null ? null : decodeURIComponent(actor),
    })
    try {
      const answer = this.answers.get(name)?.(input) ?? ANSWERS[name]
      return name === 'events' ? eachOf(answer as Iterable<unknown> | AsyncIterable<unknown>) : answer
    } catch (error) {
      throw error instanceof PilothouseError ? wireError(error) : error
    }
  }
}

interface HandlerOptions {
  readonly input: unknown
  readonly context: RequestHeadersPluginContext
}

async function* eachOf(items: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator {
  for await (const item of items) yield item
}

function wireError({
  code,
  message,
  hint,
  retryable,
  requestId,
  details,
}: PilothouseError): ORPCError<string, unknown> {
  return new ORPCError(code, {
    message,
    data: { hint, retryable, requestId, ...(details === undefined ? {} : { details }) },
  })
}

export interface ServedFake {
  close(): Promise<void>
}

/** Serves the fake on a unix socket, at the paths of the real one. */
export async function serveFake(daemon: FakeDaemon, socketPath: string): Promise<ServedFake> {
  const handler = new RPCHandler(daemon.router(), { plugins: [new RequestHeadersPlugin()] })
  const sockets = new WebSocketServer({ noServer: true })
  const server = createServer()
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    sockets.handleUpgrade(request, socket, head, (ws) => void handler.upgrade(ws, { context: {} }))
  })
  await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  return {
    close: () => {
      for (const socket of sockets.clients) socket.terminate()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
