import { pino, type DestinationStream, type Logger } from 'pino'
import type { Settings } from '../config/settings.ts'

export type { Logger } from 'pino'

const STANDARD_ERROR = 2

/** The daemon's log: one JSON object a line. */
export interface Log {
  readonly logger: Logger
  /** Goes on in a new file of the same name, after the old one was moved away. */
  reopen(): void
  /** Resolves when every line so far has been handed to the operating system. */
  flush(): Promise<void>
}

interface Destination extends DestinationStream {
  reopen(): void
  flush(done: (error?: Error | null) => void): void
}

/** Lines are written behind the caller's back, never by blocking it. */
export function openLog(settings: Pick<Settings, 'logLevel' | 'logFile' | 'hostName'>): Log {
  const { logLevel, logFile, hostName } = settings
  const destination: Destination = pino.destination({ dest: logFile ?? STANDARD_ERROR, sync: false, mkdir: true })
  const logger = pino({ level: logLevel, base: { host: hostName } }, destination)
  return {
    logger,
    reopen: () => {
      if (logFile !== null) destination.reopen()
    },
    flush: () => new Promise((resolve) => destination.flush(() => resolve())),
  }
}
