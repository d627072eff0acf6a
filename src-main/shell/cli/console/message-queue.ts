/** Messages of a channel as an async sequence: they wait here until they are asked for. One reader. */
export class MessageQueue implements AsyncIterable<string | Uint8Array> {
  private readonly waiting: (string | Uint8Array)[] = []
  private readonly signal: AbortSignal
  private isEnded = false
  private wake: (() => void) | undefined

  constructor(signal: AbortSignal) {
    this.signal = signal
  }

  get isEmpty(): boolean {
    return this.waiting.length === 0
  }

  push(message: string | Uint8Array): void {
    this.waiting.push(message)
    this.wake?.()
  }

  /** Nothing more will come; what waits is still delivered. */
  end(): void {
    this.isEnded = true
    this.wake?.()
  }

  /** Throws the signal's reason when it is aborted. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string | Uint8Array> {
    const onAbort = () => this.wake?.()
    this.signal.addEventListener('abort', onAbort)
    try {
      for (;;) {
        this.signal.throwIfAborted()
        const message = this.waiting.shift()
        if (message !== undefined) yield message
        else if (this.isEnded) return
        else await new Promise<void>((resolve) => (this.wake = resolve))
      }
    } finally {
      this.signal.removeEventListener('abort', onAbort)
    }
  }
}
