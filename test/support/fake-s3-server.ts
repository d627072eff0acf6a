import { createHash, createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'

export interface S3Keys {
  readonly id: string
  readonly secret: string
}

interface Answer {
  readonly status: number
  readonly body?: Buffer | string
  readonly headers?: Readonly<Record<string, string>>
}

const sha256 = (text: string | Buffer): string => createHash('sha256').update(text).digest('hex')
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/**
 * As much of S3 as restic's own client asks for, on loopback: buckets are folders, objects files in them. Every request
 * must be signed with the one pair of keys; an id or a signature that is not theirs is refused as Amazon does.
 */
export class FakeS3Server {
  private readonly server: Server
  private readonly folder: string
  private readonly keys: S3Keys
  private port = 0

  constructor(folder: string, keys: S3Keys) {
    this.folder = folder
    this.keys = keys
    this.server = createServer((request, response) => void this.serve(request, response))
  }

  /** On the port that it had before, once it had one; resolves to it. */
  async listen(): Promise<number> {
    this.server.listen(this.port, '127.0.0.1')
    await once(this.server, 'listening')
    this.port = (this.server.address() as AddressInfo).port
    return this.port
  }

  /** Breaks off all connections. */
  async close(): Promise<void> {
    if (!this.server.listening) return
    const closed = once(this.server, 'close')
    this.server.close()
    this.server.closeAllConnections()
    await closed
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const body = Buffer.concat(await request.toArray())
      const { status, body: text = '', headers } = this.refusal(request) ?? (await this.answer(request, body))
      response.writeHead(status, { 'content-length': Buffer.byteLength(text), ...headers })
      response.end(request.method === 'HEAD' ? undefined : text)
    } catch {
      // A connection that was broken off.
      response.destroy()
    }
  }

  private refusal(request: IncomingMessage): Answer | undefined {
    const said = /Credential=([^/]+)\/([^,]+), ?SignedHeaders=([^,]+), ?Signature=(\w+)/.exec(
      request.headers.authorization ?? '',
    )
    if (said === null) return error(403, 'AccessDenied', 'Access Denied.')
    const [, id, scope = '', names = '', signature] = said
    if (id !== this.keys.id) return error(403, 'InvalidAccessKeyId', `The AWS Access Key Id you provided ${UNKNOWN}`)
    if (signature === this.signatureOf(request, scope, names)) return undefined
    return error(403, 'SignatureDoesNotMatch', 'The request signature we calculated does not match the one you gave.')
  }

  private signatureOf(request: IncomingMessage, scope: string, names: string): string {
    const [path = '', query = ''] = (request.url ?? '').split('?')
    const headers = names.split(';').map((name) => `${name}:${String(request.headers[name]).trim()}\n`)
    const asked = [
      ...[request.method, path, query.split('&').toSorted().join('&')],
      ...[headers.join(''), names, request.headers['x-amz-content-sha256']],
    ].join('\n')
    const toSign = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(asked)].join('\n')
    const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${this.keys.secret}`)
    return hmac(key, toSign).toString('hex')
  }

  private async answer(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://host')
    const [bucket = '', ...rest] = pathname.slice(1).split('/')
    const key = decodeURIComponent(rest.join('/'))
    const path = join(this.folder, bucket, key)
    if (key !== '') return await this.object(request, { path, body })
    if (searchParams.has('location')) return { status: 200, body: '<LocationConstraint></LocationConstraint>' }
    if (request.method === 'PUT') await mkdir(path, { recursive: true })
    const names = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => undefined)
    if (names === undefined) return error(404, 'NoSuchBucket', 'The specified bucket does not exist')
    const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
    return {
      status: 200,
      body: await listing(path, {
        files,
        prefix: searchParams.get('prefix') ?? '',
        isDeep: !searchParams.get('delimiter'),
      }),
    }
  }

  private async object(request: IncomingMessage, { path, body }: { path: string; body: Buffer }): Promise<Answer> {
    if (request.method === 'DELETE') {
      await rm(path, { force: true })
      return { status: 204 }
    }
    if (request.method === 'PUT') {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, request.headers['x-amz-decoded-content-length'] === undefined ? body : unchunked(body))
      return { status: 200, headers: { etag: ETAG } }
    }
    const content = await readFile(path).catch(() => undefined)
    if (content === undefined) return error(404, 'NoSuchKey', `The specified key ${UNKNOWN}`)
    return partOf(content, request.headers.range)
  }
}

const UNKNOWN = 'does not exist.'
const ETAG = '"0"'
const FACTS = { etag: ETAG, 'last-modified': new Date(0).toUTCString() }

function partOf(content: Buffer, range: string | undefined): Answer {
  const [, from, to = ''] = /^bytes=(\d+)-(\d*)$/.exec(range ?? '') ?? []
  if (from === undefined) return { status: 200, body: content, headers: FACTS }
  const body = content.subarray(Number(from), to === '' ? undefined : Number(to) + 1)
  const where = `bytes ${from}-${Number(from) + body.length - 1}/${content.length}`
  return { status: 206, body, headers: { ...FACTS, 'content-range': where } }
}

interface Listed {
  readonly files: readonly string[]
  readonly prefix: string
  readonly isDeep: boolean
}

/** What is below the prefix: all objects, or, unless it goes deep, of what lies deeper the next folder alone. */
async function listing(root: string, { files, prefix, isDeep }: Listed): Promise<string> {
  const keys = files.map((file) => file.slice(root.length).replace(/^\//, '')).filter((key) => key.startsWith(prefix))
  const isBelow = (key: string): boolean => !isDeep && key.slice(prefix.length).includes('/')
  const folders = new Set(keys.filter(isBelow).map((key) => key.slice(0, key.indexOf('/', prefix.length) + 1)))
  const objects = keys
    .filter((key) => !isBelow(key))
    .map(async (key) => {
      const { length } = await readFile(join(root, key)).catch(() => ({ length: 0 }))
      return `<Contents><Key>${key}</Key><Size>${length}</Size><ETag>${ETAG}</ETag><LastModified>${DATE}</LastModified></Contents>`
    })
  const prefixes = [...folders].map((key) => `<CommonPrefixes><Prefix>${key}</Prefix></CommonPrefixes>`)
  const inner = [...(await Promise.all(objects)), ...prefixes].join('')
  return `<ListBucketResult><IsTruncated>false</IsTruncated>${inner}</ListBucketResult>`
}

const DATE = new Date(0).toISOString()

/** The content within signed chunks: `SIZE;chunk-signature=…`, a line's end, the bytes, a line's end. */
function unchunked(body: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < body.length;) {
    const begin = body.indexOf('\r\n', at) + 2
    const size = parseInt(body.subarray(at, begin).toString('latin1'), 16)
    parts.push(body.subarray(begin, begin + size))
    at = begin + size + 2
  }
  return Buffer.concat(parts)
}

const error = (status: number, code: string, says: string): Answer => ({
  status,
  body: `<Error><Code>${code}</Code><Message>${says}</Message></Error>`,
})
