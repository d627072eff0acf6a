import { ORPCError } from '@orpc/client'
import { describe, expect, it } from 'vitest'
import { toPilothouseError } from '../../../src-shared/contract/client.ts'
import { ERROR_CATALOGUE, ERROR_CODES, failureSchema, PilothouseError } from '../../../src-shared/error.ts'

const REQUEST = 'req-0123456789abcdef'

describe('the closed set of errors', () => {
  it.each(ERROR_CODES)('%s has a hint that is a sentence and a real status', (code) => {
    expect(ERROR_CATALOGUE[code].hint).toMatch(/^[A-Z].*\.$/)
    expect(ERROR_CATALOGUE[code].status).toBeGreaterThanOrEqual(400)
  })

  it('survives storage and the wire unchanged', () => {
    const error = new PilothouseError('operation_in_flight', 'A backup is running.', { details: { kind: 'backup' } })
    const failure = failureSchema.parse(JSON.parse(JSON.stringify(error.withRequestId(REQUEST).toFailure())))
    expect(PilothouseError.fromFailure(failure).toFailure()).toEqual(failure)
    expect(failure.requestId).toBe(REQUEST)
  })
})

describe('what a link threw', () => {
  it('keeps a declared error', () => {
    const data = { hint: 'Wait.', retryable: true, requestId: REQUEST }
    const error = toPilothouseError(new ORPCError('operation_in_flight', { message: 'Busy.', data }), REQUEST)
    expect(error.toFailure()).toEqual({ code: 'operation_in_flight', message: 'Busy.', ...data })
  })

  it('takes a code without our data by its status only', () => {
    expect(toPilothouseError(new ORPCError('NOT_FOUND', { status: 404 }), REQUEST).code).toBe('not_found')
    expect(toPilothouseError(new ORPCError('WHATEVER', { status: 500 }), REQUEST).code).toBe('internal')
  })

  it("tells the caller's own abort from a cut link and from a deadline", () => {
    const abort = new AbortController()
    const cut = Object.assign(new Error('aborted'), { name: 'AbortError' })
    expect(toPilothouseError(cut, REQUEST, abort.signal).code).toBe('host_unreachable')
    abort.abort()
    expect(toPilothouseError(cut, REQUEST, abort.signal).code).toBe('cancelled')
    const late = Object.assign(new Error('late'), { name: 'TimeoutError' })
    expect(toPilothouseError(late, REQUEST).code).toBe('deadline_exceeded')
  })
})
