import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callsOf } from '../../../src-shared/contract/client.ts'
import { daemonContract } from '../../../src-shared/contract/daemon.ts'
import { REQUEST_ID, startEdge, type Edge } from '../../support/edge.ts'

let edge: Edge
beforeAll(async () => {
  edge = await startEdge()
})
afterAll(() => edge.stop())

interface Answer {
  status: number
  json: { code?: string; message?: string; data?: { hint: string; requestId: string }; [name: string]: unknown }
}

function ask(path: string, body: string | Buffer = '', { method = 'POST', role = 'viewer' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-request-id': REQUEST_ID }
    const call = request({ socketPath: edge.socketOf(role as 'viewer'), path, method, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: response.statusCode ?? 0, json: JSON.parse(text) as Answer['json'] })
      })
    })
    call.on('error', reject)
    call.end(body)
  })
}

describe('the REST view', () => {
  it('answers the same calls with the same errors', async () => {
    expect(await ask('/api/hello')).toMatchObject({ status: 200, json: { role: 'viewer', user: 'root' } })
    expect(await ask('/api/environments/list', '{}')).toMatchObject({ status: 200, json: { environments: [] } })
    const wrong = await ask('/api/environments/get', '{"environment":7}')
    expect(wrong).toMatchObject({ status: 400, json: { code: 'invalid_request', data: { requestId: REQUEST_ID } } })
    expect(wrong.json.message).toContain('environment: ')
    expect(await ask('/api/environments/spawn', '{}')).toMatchObject({ status: 403, json: { code: 'forbidden' } })
    expect(await ask('/api/environments/fly', '{}')).toMatchObject({ status: 404, json: { code: 'not_found' } })
    expect(await ask('/api/hello', '', { method: 'DELETE' })).toMatchObject({
      status: 404,
      json: { code: 'not_found' },
    })
    expect(await ask('/elsewhere', '{}')).toMatchObject({ status: 404, json: { code: 'not_found' } })
    expect(await ask('/api/hello', '{"protocol":')).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
    const broken = await ask('/api/operations/get', '{"id":"op-0123456789abcdef"}')
    expect(broken).toMatchObject({ status: 500, json: { code: 'internal' } })
    expect(JSON.stringify(broken)).not.toContain('secret')
  })

  it('refuses input above 1 MiB', async () => {
    const answer = await ask('/api/hello', Buffer.alloc(1024 * 1024 + 1, ' '))
    expect(answer).toMatchObject({ status: 413, json: { code: 'input_too_large' } })
    const huge = await ask('/api/hello', Buffer.alloc(6 * 1024 * 1024, ' '))
    expect(huge).toMatchObject({ status: 413, json: { code: 'input_too_large' } })
  })

  it('describes every call of the contract', async () => {
    const { json } = await ask('/api/openapi.json', '', { method: 'GET' })
    const paths = callsOf(daemonContract).map(({ path }) => `/${path.join('/')}`)
    expect(Object.keys(json['paths'] as object).sort()).toEqual(paths.sort())
  })

  it('streams events until the client has had enough', async () => {
    const events = await new Promise<string>((resolve, reject) => {
      const call = request({ socketPath: edge.socketOf('viewer'), path: '/api/events', method: 'POST' }, (response) => {
        expect(response.headers['content-type']).toContain('text/event-stream')
        let text = ''
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString()
          if (!text.includes('"confirmed"')) return
          call.destroy()
          resolve(text)
        })
      })
      call.on('error', reject)
      call.end('{}')
    })
    expect(events).toContain('"reset"')
  })
})
