import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FlowWindow } from '../../../host-daemon/consoles/flow-window.ts'
import { CONSOLE_WINDOW_BYTES } from '../../../src-shared/contract/console-stream.ts'

describe('the flow window', () => {
  it('never lets more bytes be under way than the window, whatever is sent, skipped and acknowledged', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('send' as const), bytes: fc.nat(1_000_000) }),
      fc.record({ kind: fc.constant('jump' as const), bytes: fc.integer({ min: 1, max: 10_000_000 }) }),
      fc.record({ kind: fc.constant('ack' as const), back: fc.nat(3_000_000) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const window = new FlowWindow(0)
        const sent: { offset: number; bytes: number }[] = []
        let acked = 0
        for (const one of steps) {
          if (one.kind === 'jump') window.jumpTo(window.position + one.bytes)
          else if (one.kind === 'send') {
            const bytes = Math.min(one.bytes, Math.max(0, window.room))
            sent.push({ offset: window.position, bytes })
            window.sent(bytes)
          } else {
            const offset = Math.max(0, window.position - one.back)
            expect(window.ack(offset)).toBe(true)
            acked = Math.max(acked, offset)
          }
          const underWay = sent.reduce(
            (sum, { offset, bytes }) => sum + Math.max(0, offset + bytes - Math.max(offset, acked)),
            0,
          )
          expect(underWay).toBeLessThanOrEqual(CONSOLE_WINDOW_BYTES)
          expect(window.room).toBe(CONSOLE_WINDOW_BYTES - underWay)
        }
      }),
    )
  })

  it('refuses what was never sent', () => {
    const window = new FlowWindow(10)
    expect(window.ack(11)).toBe(false)
    expect(window.ack(3)).toBe(true)
    expect(window.room).toBe(CONSOLE_WINDOW_BYTES)
  })
})
