const QUOTE = 0x22
const BACKSLASH = 0x5c
const NEWLINE = 0x0a

/**
 * Cuts what stands between quotes to a limit while it comes in, however it is split: lines of JSON stay JSON and take
 * bounded space, whatever their strings are. Escaped characters count as two.
 */
export class StringCutter {
  private readonly limit: number
  /** Characters of the present string so far; null outside of one. */
  private length: number | null = null
  private isEscaped = false

  constructor(limit: number) {
    this.limit = limit
  }

  take(text: string): string {
    let kept = ''
    let from = 0
    let isKeeping = true
    for (let index = 0; index < text.length; index += 1) {
      const keeps = this.keeps(text.charCodeAt(index))
      if (keeps === isKeeping) continue
      if (isKeeping) kept += text.slice(from, index)
      from = index
      isKeeping = keeps
    }
    return isKeeping ? kept + text.slice(from) : kept
  }

  private keeps(character: number): boolean {
    if (character === NEWLINE) return this.leave()
    if (this.length === null) {
      if (character === QUOTE) this.length = 0
      return true
    }
    if (character === QUOTE && !this.isEscaped) return this.leave()
    this.length += 1
    this.isEscaped = character === BACKSLASH && !this.isEscaped
    // No half of an escaped character is the last that is kept.
    return this.length < this.limit || (this.length === this.limit && !this.isEscaped)
  }

  private leave(): true {
    this.length = null
    this.isEscaped = false
    return true
  }
}
