const ESC = 0x1b
const BEL = 0x07
const ENQ = 0x05
const CAN = 0x18
const SUB = 0x1a

/** A string or a control sequence longer than this ends here: a guest cannot swallow its own output for ever. */
const LONGEST_SEQUENCE = 64 * 1024
/** Final bytes of control sequences that only move, erase, colour or switch modes. */
const HARMLESS_CSI = new Set('@ABCDEFGHIJKLMPSTXZ`abdefghlmrsu'.split('').map(code))
/** Escapes that only move, save, restore or switch modes. */
const HARMLESS_ESC = new Set('78DEHMNO=>c'.split('').map(code))
/** Escapes that begin a string: OSC, DCS, APC, PM, SOS and screen's title. */
const STRING_STARTS = new Set(']P_^Xk'.split('').map(code))
/** Escapes that take one more byte and only choose a character set. */
const CHARSETS = new Set('()*+-./'.split('').map(code))

type State = 'ground' | 'escape' | 'charset' | 'csi' | 'string' | 'string-escape'

/**
 * Lets through what draws, and drops what acts: clipboard, title and other strings (OSC, DCS, …), everything a
 * terminal would answer by itself, printing, and 8-bit controls. Sequences may be cut anywhere between chunks.
 * Memory is bounded; `dropped` counts sequences.
 */
export class TerminalGuard {
  dropped = 0
  private state: State = 'ground'
  private held: number[] = []
  private swallowed = 0
  /** Continuation bytes still due of a UTF-8 character. */
  private due = 0
  private lead = 0

  pass(bytes: Uint8Array): Uint8Array {
    const out: number[] = []
    for (const byte of bytes) this.step(byte, out)
    return Uint8Array.from(out)
  }

  private step(byte: number, out: number[]): void {
    switch (this.state) {
      case 'ground':
        this.ground(byte, out)
        return
      case 'escape':
        this.escape(byte, out)
        return
      case 'charset':
        this.release([...this.held, byte], out)
        return
      case 'csi':
        this.csi(byte, out)
        return
      case 'string':
      case 'string-escape':
        this.string(byte, out)
    }
  }

  private ground(byte: number, out: number[]): void {
    if (byte === ESC) this.enter('escape', [ESC])
    else if (byte === ENQ) this.drop()
    else if (byte < 0x80) this.character([byte], 0, out)
    else if (byte >= 0xc2 && byte <= 0xf4) this.begin(byte)
    else if (this.due > 0 && byte <= 0xbf) this.continue(byte, out)
    else this.drop()
  }

  private begin(byte: number): void {
    this.lead = byte
    this.due = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1
    this.held = [byte]
  }

  /** U+0080–U+009F are the 8-bit controls, whatever way they are written. */
  private continue(byte: number, out: number[]): void {
    if (this.lead === 0xc2 && byte < 0xa0) {
      this.character([], 0, out)
      this.drop()
    } else this.character([...this.held, byte], this.due - 1, out)
  }

  private character(bytes: number[], due: number, out: number[]): void {
    this.due = due
    this.held = due > 0 ? bytes : []
    if (due === 0) out.push(...bytes)
  }

  private escape(byte: number, out: number[]): void {
    if (byte === code('[')) this.enter('csi', [ESC, byte])
    else if (STRING_STARTS.has(byte)) this.enter('string', [])
    else if (CHARSETS.has(byte)) this.enter('charset', [ESC, byte])
    else if (HARMLESS_ESC.has(byte)) this.release([ESC, byte], out)
    else this.drop()
  }

  private csi(byte: number, out: number[]): void {
    this.held.push(byte)
    if (byte === ESC) this.enter('escape', [ESC])
    else if (byte === CAN || byte === SUB || this.held.length > 128) this.drop()
    else if (byte >= 0x40 && byte <= 0x7e) {
      if (isHarmlessCsi(this.held)) this.release(this.held, out)
      else this.drop()
    }
  }

  /** A string ends with BEL, ST, a cancel, or with the next escape, whatever that is. */
  private string(byte: number, out: number[]): void {
    this.swallowed += 1
    if (this.state === 'string-escape') {
      this.drop()
      if (byte === code('\\')) return
      this.enter('escape', [ESC])
      this.escape(byte, out)
    } else if (byte === ESC) this.state = 'string-escape'
    else if (byte === BEL || byte === CAN || byte === SUB || this.swallowed > LONGEST_SEQUENCE) this.drop()
  }

  private enter(state: State, held: number[]): void {
    this.state = state
    this.held = held
    this.due = 0
    this.swallowed = 0
  }

  private release(bytes: readonly number[], out: number[]): void {
    out.push(...bytes)
    this.enter('ground', [])
  }

  private drop(): void {
    this.dropped += 1
    this.enter('ground', [])
  }
}

/** Only plain parameters, or private modes set and reset; anything with an intermediate byte may ask or tell. */
function isHarmlessCsi(sequence: readonly number[]): boolean {
  const final = sequence.at(-1) ?? 0
  const parameters = String.fromCharCode(...sequence.slice(2, -1))
  if (final === code('q')) return /^[0-6]? $/.test(parameters)
  if (!HARMLESS_CSI.has(final)) return false
  return (
    /^[0-9;:]*$/.test(parameters) || (/^\?[0-9;]*$/.test(parameters) && 'hlJK'.includes(String.fromCharCode(final)))
  )
}

function code(character: string): number {
  return character.charCodeAt(0)
}

/** Undoes what a guest may have left switched on: colours, hidden cursor, mouse, paste mode, alternate screen. */
export const TERMINAL_RESET =
  '\u001b[0m\u001b[?25h\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1004l\u001b[?1006l\u001b[?2004l\u001b[?1049l\u001b[?7h\u001b(B\u001b>'
