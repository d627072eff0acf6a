import { constants, fstatSync, write, writeSync } from 'node:fs'
import { mkdir, open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

/** Most bytes that wait to be written; what comes then is dropped. */
const WAITING_BYTES = 4 * 1024 * 1024
/** After a failure it is tried again this much later, in milliseconds. */
const AGAIN_MS = 100
/** A pipe whose reader is slow is full for a moment; one that takes nothing for so long has failed. */
const FULL_MS = 1_000
const FULL_AGAIN_MS = 5

const APPENDING = constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK

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
  /** The descriptor that was given is written to itself. */
  private isInherited = false
  private waiting: Buffer[] = []
  private waitingBytes = 0
  private writing: Promise<void> | undefined
  private mustReopen = false
  private hasFailed = false
  /** Since when a pipe has been full. */
  private fullSince: number | undefined

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
    const descriptor = this.file?.fd ?? (typeof target === 'number' ? target : undefined)
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
        this.fullSince = undefined
      } catch (error) {
        // A process that has nothing else to do is not kept by lines that cannot be written.
        await delay(this.afterFailure(error), undefined, { ref: false })
      }
    }
  }

  /** How long to wait until the next try. */
  private afterFailure(error: unknown): number {
    const now = performance.now()
    const isFull = error instanceof Error && 'code' in error && error.code === 'EAGAIN'
    if (isFull && now - (this.fullSince ??= now) < FULL_MS) return FULL_AGAIN_MS
    if (!this.hasFailed) this.options.onFailure(error instanceof Error ? error : new Error(String(error)))
    this.hasFailed = true
    return AGAIN_MS
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
    if (typeof target === 'number') return this.isInherited ? target : (this.file?.fd ?? (await this.ofOurOwn(target)))
    if (this.mustReopen) await this.file?.close()
    if (this.mustReopen) this.file = undefined
    this.mustReopen = false
    if (this.file === undefined) await mkdir(dirname(target), { recursive: true })
    this.file ??= await open(target, APPENDING | constants.O_CREAT, 0o640)
    return this.file.fd
  }

  /**
   * A pipe that nobody empties would hold a write, and with it the process that wants to end: it is opened once more, so
   * that writing to it never waits and whoever shares it is not concerned. Everything else is written to as it is.
   */
  private async ofOurOwn(descriptor: number): Promise<number> {
    const isPipe = fstatSync(descriptor).isFIFO()
    this.file = isPipe ? await open(`/proc/self/fd/${descriptor}`, APPENDING).catch(() => undefined) : undefined
    this.isInherited = this.file === undefined
    return this.file?.fd ?? descriptor
  }
}
