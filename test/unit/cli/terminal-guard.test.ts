import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TerminalGuard } from '../../../src-main/shell/cli/console/terminal-guard.ts'

function pass(text: string): string {
  return Buffer.from(new TerminalGuard().pass(Buffer.from(text))).toString('utf8')
}

describe('terminal guard', () => {
  it.each([
    'plain text\r\n',
    'Grüße, 世界 🚢',
    '\u001b[1;31mred\u001b[0m',
    '\u001b[2J\u001b[H\u001b[10;20H',
    '\u001b[?25l\u001b[?1049h',
    '\u001b7\u001b8\u001bM\u001b(B',
    '\u001b[38:2::1:2:3mtrue colour',
    '\u001b[4 q',
  ])('lets %j through', (text) => expect(pass(text)).toBe(text))

  it.each([
    ['clipboard', '\u001b]52;c;aGk=\u0007'],
    ['title', '\u001b]0;title\u001b\\'],
    ['device attributes', '\u001b[c'],
    ['secondary device attributes', '\u001b[>c'],
    ['cursor report', '\u001b[6n'],
    ['window operations', '\u001b[21t'],
    ['terminal name', '\u001b[>q'],
    ['mode report', '\u001b[?25$p'],
    ['keyboard query', '\u001b[?u'],
    ['printing', '\u001b[5i'],
    ['identify', '\u001bZ'],
    ['device control string', '\u001bP$qm\u001b\\'],
    ['application command', '\u001b_Gi=1\u001b\\'],
    ['screen title', '\u001bkname\u001b\\'],
    ['answer-back', '\u0005'],
    ['8-bit control sequence', '\u009b6n'.slice(0, 1)],
    ['8-bit operating system command', '\u009d'],
    ['other character encoding', '\u001b%@'.slice(0, 2)],
  ])('drops %s', (_, text) => {
    const guard = new TerminalGuard()
    expect(Buffer.from(guard.pass(Buffer.from(`a${text}b`))).toString('utf8')).toBe('ab')
    expect(guard.dropped).toBeGreaterThan(0)
  })

  it('comes back after a string that never ends', () => {
    const guard = new TerminalGuard()
    guard.pass(Buffer.from('\u001b]52;c;'))
    guard.pass(Buffer.alloc(70_000, 0x41))
    expect(Buffer.from(guard.pass(Buffer.from('back'))).toString('utf8')).toContain('back')
  })

  it('decides the same however the bytes are cut', () => {
    const piece = fc.constantFrom(
      ...'text ü 世 \u001b[31m \u001b[6n \u001b]0;t\u0007 \u001b]0;t\u001b\\ \u0005 \u009b \u001bP1\u001b\\ \u001b(B \u001b'.split(
        ' ',
      ),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), fc.array(fc.nat(40), { maxLength: 20 }), (pieces, cuts) => {
        const bytes = Buffer.from(pieces.join(''))
        const whole = Buffer.from(new TerminalGuard().pass(bytes))
        const guard = new TerminalGuard()
        const places = [...new Set([0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length])].sort(
          (a, b) => a - b,
        )
        const parts = places.map((from, index) => guard.pass(bytes.subarray(from, places[index + 1] ?? bytes.length)))
        expect(Buffer.concat(parts).equals(whole)).toBe(true)
      }),
    )
  })
})
