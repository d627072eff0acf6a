import type { Clock } from '../../src-shared/lib/clock.ts'
import type { Settings } from '../config/settings.ts'
import { StartRefusal } from '../config/start-refusal.ts'
import { openLog, type Log, type Logger } from '../logging/logger.ts'
import { EXIT } from './exit-codes.ts'

export interface RunningDaemon {
  /** Ends everything but the guests. */
  stop(): Promise<void>
}

export interface RunOptions {
  readonly clock: Clock
  start(settings: Settings, logger: Logger): Promise<RunningDaemon>
  /** Ends the process, whatever still runs in it. */
  readonly exit: (code: number) => void
}

/** Runs the daemon until it is told to end. Answers the exit code; the guests live on. */
export async function runDaemon(settings: Settings, options: RunOptions): Promise<number> {
  const log = openLog(settings)
  endLoudlyOnDefects(log, options)
  process.on('SIGHUP', () => {
    log.reopen()
    log.logger.info({}, 'log opened again')
  })
  const ending = untilToldToEnd(options)
  try {
    log.logger.info({ pid: process.pid, settings }, 'starting')
    const daemon = await options.start(settings, log.logger)
    log.logger.info({ socketDirectory: settings.socketDirectory }, 'serving')
    log.logger.info({ signal: await ending }, 'ending')
    return await stopWithin(daemon, { ...options, log, ms: settings.deadlines.shutdownMs })
  } catch (error) {
    return refuse(log, error)
  } finally {
    await log.flush()
  }
}

/** Told twice, it ends at once. */
function untilToldToEnd({ exit }: Pick<RunOptions, 'exit'>): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      let isAsked = false
      process.on(signal, () => {
        if (isAsked) exit(EXIT.failed)
        isAsked = true
        resolve(signal)
      })
    }
  })
}

interface Bound {
  readonly log: Log
  readonly clock: Clock
  readonly ms: number
  readonly exit: (code: number) => void
}

/** What is not done by then is taken up at the next start: everything that matters is in the journal. */
async function stopWithin(daemon: RunningDaemon, { log, clock, ms, exit }: Bound): Promise<number> {
  const done = new AbortController()
  const late = clock.sleep(ms, done.signal).then(
    () => true,
    () => false,
  )
  const isLate = await Promise.race([daemon.stop().then(() => false), late])
  done.abort()
  log.logger.info({ isLate }, 'ended')
  if (!isLate) return EXIT.done
  await log.flush()
  exit(EXIT.done)
  return EXIT.done
}

function refuse(log: Log, error: unknown): number {
  const isKnown = error instanceof StartRefusal
  log.logger.fatal(isKnown ? { reason: error.message } : { err: error }, 'not started')
  const says = error instanceof Error ? error.message : String(error)
  process.stderr.write(`pilothoused: ${says}\n`)
  return EXIT.failed
}

/** A defect must not leave a daemon of which nobody knows what still works. Guests and journal survive it. */
function endLoudlyOnDefects(log: Log, { exit }: Pick<RunOptions, 'exit'>): void {
  const end = (error: unknown): void => {
    log.logger.fatal({ err: error }, 'a defect: ending at once')
    void log.flush().finally(() => exit(EXIT.defect))
  }
  process.on('uncaughtException', end)
  process.on('unhandledRejection', end)
}
