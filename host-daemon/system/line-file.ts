import { write, writeSync } from 'node:fs'
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Most bytes that wait to be written; what comes then is dropped. */
const WAITING_BYTES = 4 * 1024 * 1024
/** After a failure it is tried again this much later, in milliseconds. */
const AGAIN_MS = 100

const writeDescriptor = promisify(write) as (fd: number, bytes: Uint8Array) => Promise<{ bytesWritten: number }>

export interface LineFileOptions {
  /** A path to append to, made with its folder where it is absent; or a descriptor that is open. */
  readonly target: string | number
  /** The target takes nothing from now on. Called again only after it has taken lines in between. */
  onFailure(error: Error): void
}

/**
 * Lines appended in order, behind the caller's back. A target that takes none (a full disk, a pipe that nobody
 * empties) costs lines and nothing else: it is tried again, what waits is bounded, and the process can end.
 */
export class LineFile {
  private readonly options: LineFileOptions
  private file: FileHandle | undefined
  private waiting: Buffer[] = []
  private waitingBytes = 0
  private writing: Promise<void> | undefined
  private mustReopen = false
  private hasFailed = false

  constructor(options: LineFileOptions) {
    this.options = options
    process.once('exit', () => this.writeAtExit())
  }

  write(line: string): void {
    const bytes = Buffer.from(line)
    if (this.waitingBytes + bytes.byteLength > WAITING_BYTES) return
    this.waiting.push(bytes)
    this.waitingBytes += bytes.byteLength
    this.writing ??= this.writeWaiting().finally(() => (this.writing = undefined))
  }

  /** The next line goes to a new file of the name; nothing for a descriptor. */
  reopen(): void {
    this.mustReopen = typeof this.options.target === 'string'
  }

  /** Resolves when every line so far is written, or the target takes none; until then the process goes on. */
  async flush(): Promise<void> {
    while (this.writing !== undefined && !this.hasFailed) {
      const written = new AbortController()
      const pause = delay(AGAIN_MS, undefined, { signal: written.signal }).catch(() => undefined)
      await Promise.race([this.writing.finally(() => written.abort()), pause])
    }
  }

  /** The last chance of what waits: once, since nothing may keep a process from ending. */
  private writeAtExit(): void {
    const { target } = this.options
    const descriptor = typeof target === 'number' ? target : this.file?.fd
    if (descriptor === undefined || this.hasFailed) return
    try {
      for (const bytes of this.waiting.splice(0)) writeSync(descriptor, bytes)
    } catch {
      // There is nobody left to tell.
    }
  }

  private async writeWaiting(): Promise<void> {
    // Behind whatever this turn has to answer, and with the lines that it still writes.
    await nextTurn()
    while (this.waiting.length > 0) {
      try {
        await this.writeOnce(await this.descriptor())
        this.hasFailed = false
      } catch (error) {
        if (!this.hasFailed) this.options.onFailure(error instanceof Error ? error : new Error(String(error)))
        this.hasFailed = true
        // A process that has nothing else to do is not kept by lines that cannot be written.
        await delay(AGAIN_MS, undefined, { ref: false })
      }
    }
  }

  /** Taken from what waits only as the kernel is asked: the process may end at any turn before. */
  private async writeOnce(descriptor: number): Promise<void> {
    const bytes = Buffer.concat(this.waiting.splice(0))
    let written = 0
    try {
      written = (await writeDescriptor(descriptor, bytes)).bytesWritten
    } finally {
      this.waitingBytes -= written
      if (written < bytes.byteLength) this.waiting.unshift(bytes.subarray(written))
    }
  }

  private async descriptor(): Promise<number> {
    const { target } = this.options
    if (typeof target === 'number') return target
    if (this.mustReopen) await this.file?.close()
    if (this.mustReopen) this.file = undefined
    this.mustReopen = false
    if (this.file === undefined) await mkdir(dirname(target), { recursive: true })
    this.file ??= await open(target, 'a', 0o640)
    return this.file.fd
  }
}
