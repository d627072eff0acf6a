import type { Clock } from '../../src-shared/lib/clock.ts'

export interface DeadlineOptions {
  readonly clock: Clock
  /** Null: only the caller's signal bounds the work. */
  readonly deadlineMs: number | null
  /** The caller's own abort. */
  readonly signal?: AbortSignal | undefined
  /** What the work is aborted with, and what is thrown, when the deadline passes. */
  readonly onDeadline: () => Error
  /** How long aborted work may take to let go before it is left behind; 0 unless told. */
  readonly graceMs?: number
}

/** One for all: the runtime's own reason is a new error with its stack, at every call and for nobody to see. */
const SETTLED = new Error('The work is over.')

/**
 * Runs `work` with a signal that is aborted by the caller or by the deadline, whichever comes first, and answers
 * no later than that plus the grace. Work that ignores its signal is left behind; its late outcome is dropped. Once it
 * has answered, nothing aborts that signal any more.
 */
export async function withDeadline<T>(work: (signal: AbortSignal) => Promise<T>, options: DeadlineOptions): Promise<T> {
  const { clock, signal, graceMs = 0 } = options
  signal?.throwIfAborted()
  const [expiry, settled] = [new AbortController(), new AbortController()]
  const give = () => expiry.abort(signal?.reason)
  signal?.addEventListener('abort', give)
  const timer = expireAfter(options, { expiry, settled: settled.signal })
  try {
    const bounds = { clock, graceMs, settled: settled.signal }
    return await Promise.race([work(expiry.signal), abandonAfter(expiry.signal, bounds)])
  } finally {
    signal?.removeEventListener('abort', give)
    settled.abort(SETTLED)
    await timer
  }
}

interface Expiry {
  readonly expiry: AbortController
  readonly settled: AbortSignal
}

async function expireAfter(options: DeadlineOptions, { expiry, settled }: Expiry): Promise<void> {
  if (options.deadlineMs === null) return
  try {
    await options.clock.sleep(options.deadlineMs, settled)
  } catch {
    return
  }
  expiry.abort(options.onDeadline())
}

interface Abandonment {
  readonly clock: Clock
  readonly graceMs: number
  readonly settled: AbortSignal
}

async function abandonAfter(signal: AbortSignal, options: Abandonment): Promise<never> {
  await aborted(signal)
  if (options.graceMs > 0) await options.clock.sleep(options.graceMs, options.settled).catch(() => undefined)
  throw signal.reason
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
