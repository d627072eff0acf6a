import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FRAME_BYTES, INPUT_BYTES, readMessage } from '../../../host-daemon/server/rpc-message.ts'

const read = (value: unknown) => readMessage(Buffer.from(JSON.stringify(value)), false)

describe('messages', () => {
  it('are a call, an abort or a refusal, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isBinary) => {
        expect(['call', 'abort', 'refused']).toContain(readMessage(Buffer.from(bytes), isBinary).kind)
      }),
    )
  })

  it('are a call, an abort or a refusal, whatever JSON they are', () => {
    const part = fc.oneof(fc.jsonValue(), fc.string(), fc.constantFrom(1, 3, 4, '/hello', '1'))
    const message = fc.record(
      { i: part, t: part, p: fc.oneof(part, fc.record({ u: part, h: part, b: part })) },
      { requiredKeys: [] },
    )
    fc.assert(
      fc.property(fc.oneof(message, fc.jsonValue()), (value) => {
        const result = read(value)
        if (result.kind === 'call') expect(result.request.url.protocol).toBe('http:')
        if (result.kind === 'refused') expect(result.error.code).toMatch(/^(invalid_request|input_too_large)$/)
      }),
      { numRuns: 500 },
    )
  })

  it('keep only the headers that say who asks', () => {
    const h = {
      'x-request-id': 'req-1',
      'content-type': 'text/event-stream',
      'content-disposition': 'x',
      'x-claimed-actor': 7,
    }
    const message = read({ i: '1', p: { u: '/hello', h } })
    expect(message).toMatchObject({ kind: 'call', request: { headers: { 'x-request-id': 'req-1' } } })
    expect(Object.keys((message as { request: { headers: object } }).request.headers)).toEqual(['x-request-id'])
  })

  it('measure the input, not what the protocol puts around it', () => {
    const withInput = (bytes: number) => read({ i: '1', p: { u: '/hello', b: { json: 'x'.repeat(bytes - 2) } } })
    expect(withInput(INPUT_BYTES).kind).toBe('call')
    expect(withInput(INPUT_BYTES + 1)).toMatchObject({ kind: 'refused', id: '1', error: { code: 'input_too_large' } })
    expect(withInput(FRAME_BYTES - 100)).toMatchObject({ kind: 'refused', id: '1', error: { code: 'input_too_large' } })
    // What the protocol says about the input is input, too.
    const meta = read({ i: '1', p: { u: '/hello', b: { json: {}, meta: ['x'.repeat(INPUT_BYTES)] } } })
    expect(meta).toMatchObject({ kind: 'refused', error: { code: 'input_too_large' } })
  })
})
