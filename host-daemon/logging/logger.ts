import { pino, type Logger } from 'pino'
import type { Settings } from '../config/settings.ts'
import { LineFile } from '../system/line-file.ts'

export type { Logger } from 'pino'

const STANDARD_ERROR = 2

/** The daemon's log: one JSON object a line. */
export interface Log {
  readonly logger: Logger
  /** Goes on in a new file of the same name, after the old one was moved away. */
  reopen(): void
  /** Resolves when every line so far has been handed to the operating system, where it takes them. */
  flush(): Promise<void>
}

/**
 * Lines are written behind the caller's back, never by blocking it. A log that cannot be written costs lines and
 * nothing else; a file that fails is named on standard error.
 */
export function openLog(settings: Pick<Settings, 'logLevel' | 'logFile' | 'hostName'>): Log {
  const { logLevel, logFile, hostName } = settings
  const file = new LineFile({
    target: logFile ?? STANDARD_ERROR,
    onFailure: ({ message }) => {
      if (logFile === null) return
      process.stderr.write(`pilothoused: the log ${logFile} cannot be written, lines are lost: ${message}\n`)
    },
  })
  const logger = pino({ level: logLevel, base: { host: hostName } }, file)
  return { logger, reopen: () => file.reopen(), flush: () => file.flush() }
}
