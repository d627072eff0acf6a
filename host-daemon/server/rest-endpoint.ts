import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { OpenAPIGenerator } from '@orpc/openapi'
import type { OpenAPIHandler } from '@orpc/openapi/fetch'
import { ZodToJsonSchemaConverter } from '@orpc/zod/zod4'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { ServedCaller } from './call-guard.ts'
import { replyWithError } from './http-reply.ts'
import { FRAME_BYTES, INPUT_BYTES, inputTooLarge } from './rpc-message.ts'
import { toPilothouseError } from './wire-error.ts'

export const REST_PREFIX = '/api'
const REFERENCE_PATH = `${REST_PREFIX}/openapi.json`

/** The calls as plain HTTP, for curl: `POST /api/environments/list` with the input as JSON. */
export class RestEndpoint {
  private readonly handler: OpenAPIHandler<ServedCaller>
  private readonly version: string
  private reference: Promise<string> | undefined

  constructor(handler: OpenAPIHandler<ServedCaller>, version: string) {
    this.handler = handler
    this.version = version
  }

  /** Answers every request, whatever it is. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse, context: ServedCaller): Promise<void> {
    try {
      if (request.url === REFERENCE_PATH) await this.sendReference(response)
      else await this.call(request, response, context)
    } catch (thrown) {
      replyWithError(response, toPilothouseError(thrown, context.requestId))
    }
  }

  private async sendReference(response: ServerResponse): Promise<void> {
    this.reference ??= describeCalls(this.version)
    const text = await this.reference
    response.writeHead(200, { 'content-type': 'application/json' }).end(text)
  }

  private async call(request: IncomingMessage, response: ServerResponse, context: ServedCaller): Promise<void> {
    const body = await readBody(request, response)
    const isGone = new AbortController()
    response.once('close', () => isGone.abort())
    const { response: answer } = await this.handler.handle(fetchRequest(request, body, isGone.signal), {
      prefix: REST_PREFIX,
      context,
    })
    if (answer === undefined) throw new PilothouseError('not_found', 'The daemon serves nothing at this path.')
    response.writeHead(answer.status, Object.fromEntries(answer.headers))
    if (answer.body === null) response.end()
    // A client that goes away in the middle is no failure of ours.
    else await pipeline(bytesOf(answer.body.getReader()), response).catch(() => undefined)
  }
}

interface ByteReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
  cancel(): Promise<void>
}

async function* bytesOf(reader: ByteReader): AsyncGenerator<Uint8Array> {
  try {
    for (let next = await reader.read(); next.value !== undefined; next = await reader.read()) yield next.value
  } finally {
    await reader.cancel()
  }
}

function fetchRequest(request: IncomingMessage, body: Buffer, signal: AbortSignal): Request {
  const method = request.method ?? 'POST'
  const headers = new Headers({ 'content-type': 'application/json' })
  const hasBody = body.length > 0 && method !== 'GET' && method !== 'HEAD'
  const url = new URL(request.url ?? '/', 'http://pilothoused')
  return new Request(url, { method, headers, signal, ...(hasBody ? { body: new Uint8Array(body) } : {}) })
}

/** Above the frame limit the rest is not even read. */
async function readBody(request: IncomingMessage, response: ServerResponse): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Left alive when it is too much: the answer goes over the same connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes <= INPUT_BYTES) chunks.push(chunk)
    if (bytes > FRAME_BYTES) {
      response.setHeader('connection', 'close')
      break
    }
  }
  if (bytes > INPUT_BYTES) throw inputTooLarge()
  return Buffer.concat(chunks)
}

async function describeCalls(version: string): Promise<string> {
  const generator = new OpenAPIGenerator({ schemaConverters: [new ZodToJsonSchemaConverter()] })
  const document = await generator.generate(daemonContract, {
    info: { title: 'pilothoused', version },
    servers: [{ url: REST_PREFIX }],
  })
  return `${JSON.stringify(document, null, 2)}\n`
}
