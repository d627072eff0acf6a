import { open, stat } from 'node:fs/promises'
import { expect } from 'vitest'
import type { BootRecord, VmDriver } from '../../host-daemon/drivers/vm-driver.ts'

/** Types into a guest's shell and watches its journal. */
export class GuestShell {
  private readonly journalPath: string
  private readonly send: (bytes: Uint8Array) => Promise<void>
  readonly close: () => void

  private constructor(journalPath: string, input: { send: (bytes: Uint8Array) => Promise<void>; close: () => void }) {
    this.journalPath = journalPath
    this.send = input.send
    this.close = input.close
  }

  /** Resolves once the prompt is there. */
  static async open(driver: VmDriver, record: BootRecord): Promise<GuestShell> {
    const input = await driver.openConsoleInput(record)
    const shell = new GuestShell(record.journalPath, {
      send: (bytes) => input.write(bytes),
      close: () => input.close(),
    })
    await shell.seen('# ', { from: 0 })
    return shell
  }

  async type(text: string): Promise<void> {
    await this.send(Buffer.from(text, 'latin1'))
  }

  /** Types a line, waits for what it prints, in order, and returns the offset behind the last of it. */
  async run(line: string, prints: readonly string[]): Promise<number> {
    let from = (await stat(this.journalPath)).size
    await this.type(`${line}\n`)
    for (const text of prints) from = await this.seen(text, { from })
    return from
  }

  /** Starts a program that sleeps, interrupts it with Ctrl-C, and returns once the shell reads its next line. */
  async interruptSleep(): Promise<void> {
    const from = (await stat(this.journalPath)).size
    // What the program prints itself comes when it alone has the terminal; the shell may drop or lose an earlier key.
    await this.type(`sh -c 'echo "asleep-$((1+1))"; exec sleep 1000'; echo not""interrupted\n`)
    const asleep = await this.seen('asleep-2', { from })
    await this.type('\u0003')
    await this.seen('# ', { from: asleep })
  }

  /** The journal's offset behind the first match at or after `from`; the last 64 KiB unless told. */
  async seen(pattern: string | RegExp, options: { from?: number; timeoutMs?: number } = {}): Promise<number> {
    let found = -1
    let from = options.from
    await expect
      .poll(
        async () => {
          const { size } = await stat(this.journalPath)
          from ??= Math.max(0, size - 65_536)
          const text = (await readRange(this.journalPath, from, size)).toString('latin1')
          const match = typeof pattern === 'string' ? plainMatch(text, pattern) : regularMatch(text, pattern)
          if (match === undefined) from = Math.max(from, size - 1_024)
          else found = from + match
          return found
        },
        { timeout: options.timeoutMs ?? 20_000, interval: 20, message: `${String(pattern)} in the journal` },
      )
      .toBeGreaterThanOrEqual(0)
    return found
  }
}

function plainMatch(text: string, pattern: string): number | undefined {
  const at = text.indexOf(pattern)
  return at === -1 ? undefined : at + pattern.length
}

function regularMatch(text: string, pattern: RegExp): number | undefined {
  const match = pattern.exec(text)
  return match === null ? undefined : match.index + match[0].length
}

export async function readRange(path: string, from: number, to: number): Promise<Buffer> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(to - from)
    const { bytesRead } = await file.read(buffer, 0, buffer.length, from)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}
