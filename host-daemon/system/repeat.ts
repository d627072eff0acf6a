import type { Clock } from '../../src-shared/lib/clock.ts'
import type { Logger } from './logger.ts'

export interface RepeatOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** From the end of one run to the start of the next. */
  readonly intervalMs: number
  readonly signal: AbortSignal
  /** What is repeated, for the log. */
  readonly name: string
}

/** Runs `work` again and again until the signal is aborted; a failed run is logged and does not end it. */
export async function repeat(work: () => Promise<void> | void, options: RepeatOptions): Promise<void> {
  const { clock, logger, intervalMs, signal, name } = options
  while (!signal.aborted) {
    try {
      await work()
    } catch (error) {
      logger.error({ err: error, loop: name }, 'A repeated task failed')
    }
    await clock.sleep(intervalMs, signal).catch(() => undefined)
  }
}
