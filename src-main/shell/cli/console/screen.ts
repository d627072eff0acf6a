import { bytesText } from '../../../../src-shared/lib/bytes-text.ts'
import type { ConsoleItem } from './console-place.ts'
import type { Invocation } from '../invocation.ts'
import { localTime } from '../render/text.ts'
import { TERMINAL_RESET, TerminalGuard } from './terminal-guard.ts'
import { writeWithBackPressure } from './write.ts'

/**
 * Draws what a console says: on a terminal the guest's bytes without what acts on it, elsewhere exactly the
 * guest's bytes; with `--json` one object a line, bytes as base64.
 */
export class ConsoleScreen {
  private readonly invocation: Invocation
  private readonly guard: TerminalGuard | undefined

  constructor(invocation: Invocation) {
    this.invocation = invocation
    this.guard = invocation.deps.io.stdout.isTTY ? new TerminalGuard() : undefined
  }

  async draw(item: ConsoleItem): Promise<void> {
    const { deps, output } = this.invocation
    if (output.isJson) output.item(jsonOf(item), () => '')
    else if (item.type !== 'bytes') this.say(sentenceOf(item))
    else await writeWithBackPressure(deps.io.stdout, this.guard?.pass(item.bytes) ?? item.bytes, deps.signal)
  }

  /** A line of ours between the guest's, on stderr. */
  say(sentence: string | null): void {
    if (sentence !== null) this.invocation.output.note(`[${sentence}]`)
  }

  /** Leaves the terminal as it was found. */
  close(): void {
    if (this.guard === undefined || this.invocation.output.isJson) return
    this.invocation.deps.io.stdout.write(`${TERMINAL_RESET}\r\n`)
    if (this.guard.dropped > 0) this.say(`${this.guard.dropped} control sequences of the guest were dropped`)
  }
}

function jsonOf(item: ConsoleItem): unknown {
  if (item.type === 'bytes') return { ...item, bytes: undefined, base64: Buffer.from(item.bytes).toString('base64') }
  if (item.type === 'cut' || item.type === 'refused') return { ...item, failure: item.failure.toFailure() }
  return item
}

function sentenceOf(item: Exclude<ConsoleItem, { type: 'bytes' }>): string | null {
  switch (item.type) {
    case 'opened':
      return `boot ${item.boot.ordinal}, started ${localTime(item.boot.startedAt)}, from byte ${item.offset}`
    case 'gap':
      return `${item.gap.length === null ? 'an unknown number of bytes' : bytesText(item.gap.length)} at offset ${item.gap.offset} are no longer kept: ${item.gap.reason}`
    case 'lease':
      return item.lease.isMine
        ? 'you are typing'
        : item.lease.holder === null
          ? 'nobody is typing'
          : `${item.lease.holder.user} is typing`
    case 'ended':
      return `this boot ended at byte ${item.endOffset}`
    case 'next-boot':
      return `boot ${item.boot.ordinal} has started`
    case 'refused':
      return `${item.failure.message} ${item.failure.hint}`
    case 'cut':
      return `${item.failure.message} Trying again in ${(item.retryInMs / 1000).toFixed(1)} s`
  }
}
