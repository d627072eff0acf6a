import { randomInt } from 'node:crypto'
import { systemClock, systemRandom } from '../../src-main/lib/clock.ts'
import { ConsoleReader } from '../../src-main/shell/cli/console/console-reader.ts'
import type { DaemonSession } from '../../src-main/shell/cli/ports.ts'
import type { BootId, EnvironmentId } from '../../src-shared/model/ids.ts'
import { until } from '../lib/until.ts'

const ANSWER_DEADLINE_MS = 60_000
/** A shell that was not there yet when a line was typed is given it again after so long. */
const RETYPE_MS = 4_000
/** Enough for every answer here; a guest that says more pushes the oldest out. */
const KEPT_CHARACTERS = 64 * 1024

/** The shell on the console of one boot: what is typed into it, and what it answers. */
export class GuestShell {
  private readonly reader: ConsoleReader
  private readonly closing = new AbortController()
  private text = ''

  constructor(session: DaemonSession, boot: { readonly environment: EnvironmentId; readonly bootId: BootId }) {
    this.reader = new ConsoleReader({
      open: (target) => session.openConsole(target, this.closing.signal),
      clock: systemClock,
      random: systemRandom,
      signal: this.closing.signal,
      typing: 'take-over',
      until: 'boot-ended',
    })
    void this.follow(boot)
  }

  /** Types a line, without waiting for what comes of it. */
  async type(line: string): Promise<void> {
    const bytes = new TextEncoder().encode(`${line}\n`)
    const isTyped = (): boolean => this.reader.type(bytes)
    await until(isTyped, { deadlineMs: ANSWER_DEADLINE_MS, what: "the guest's console", intervalMs: 50 })
  }

  /** What `command` prints, its last line break aside. It may run more than once. */
  async ask(command: string): Promise<string> {
    const base = randomInt(1_000_000, 2_000_000)
    // The sum stands only in what the shell prints, never in the echo of what was typed.
    const line = ` echo "<$((${base}+1)):$(${command}):$((${base}+2))>"`
    const answer = new RegExp(`<${base + 1}:(.*?):${base + 2}>`, 's')
    const end = Date.now() + ANSWER_DEADLINE_MS
    while (Date.now() < end) {
      await this.type(line)
      const found = await until(() => answer.exec(this.text)?.[1], {
        deadlineMs: RETYPE_MS,
        what: 'an answer on the console',
      }).catch(() => undefined)
      if (found !== undefined) return found.replaceAll('\r\n', '\n')
    }
    throw new Error(`the guest's shell did not answer on its console within ${ANSWER_DEADLINE_MS / 1000} s`)
  }

  close(): void {
    this.closing.abort()
  }

  private async follow({ environment, bootId }: { environment: EnvironmentId; bootId: BootId }): Promise<void> {
    const decoder = new TextDecoder()
    try {
      for await (const item of this.reader.read({ environment, bootId })) {
        if (item.type !== 'bytes') continue
        this.text = (this.text + decoder.decode(item.bytes, { stream: true })).slice(-KEPT_CHARACTERS)
      }
    } catch {
      // Whoever waits for an answer says that none came.
    }
  }
}
