import { describe, expect, it } from 'vitest'
import { callerOf } from '../../../host-daemon/server/caller-context.ts'

const peer = { role: 'viewer', uid: 1000, user: 'mia', pid: 1 } as const
const random = { hex: (bytes: number) => 'ab'.repeat(bytes), fraction: () => 0 }

describe('the caller of a message', () => {
  it('is who the connection is, whatever the message claims', () => {
    const claims = { 'x-claimed-actor': encodeURIComponent('root'), 'x-user': 'root', 'x-role': 'admin', role: 'admin' }
    const caller = callerOf(peer, { ...claims, 'x-request-id': 'req-0123456789abcdef' }, random)
    expect(caller).toEqual({
      actor: { user: 'mia', uid: 1000, role: 'viewer', claimedActor: 'root' },
      requestId: 'req-0123456789abcdef',
    })
  })

  it('gets a request id where it sent none or a malformed one', () => {
    for (const sent of [undefined, '', 'req-1', 'req-0123456789ABCDEF', 'req-0123456789abcdef\n', '../../etc']) {
      const headers = sent === undefined ? {} : { 'x-request-id': sent }
      expect(callerOf(peer, headers, random).requestId).toBe('req-abababababababab')
    }
  })

  it('has no claim where it cannot be read or would deceive', () => {
    for (const sent of ['%', '%00', '%E2%80%AE', encodeURIComponent('a\nb'), 'x'.repeat(129)])
      expect(callerOf(peer, { 'x-claimed-actor': sent }, random).actor.claimedActor).toBeNull()
  })
})
