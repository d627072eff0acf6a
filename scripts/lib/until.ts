import { performance } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'

export interface UntilOptions {
  readonly deadlineMs: number
  /** Completes the sentence "waited in vain for …". */
  readonly what: string
  readonly intervalMs?: number
  readonly signal?: AbortSignal
}

/** Resolves with the first answer of `ask` that is neither null, undefined nor false; throws when the deadline passes first. */
export async function until<T>(ask: () => Promise<T> | T, options: UntilOptions): Promise<Exclude<T & {}, false>> {
  const { deadlineMs, what, intervalMs = 25, signal } = options
  const end = performance.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (answer !== null && answer !== undefined && answer !== false) return answer as Exclude<T & {}, false>
    signal?.throwIfAborted()
    if (performance.now() >= end) throw new Error(`waited ${deadlineMs / 1000} s in vain for ${what}`)
    await delay(intervalMs)
  }
}
