import { pino, stdSerializers, type LogFn, type Logger } from 'pino'
import { boundFacts, shownLines } from '../../src-shared/lib/foreign-words.ts'
import type { Settings } from '../config/settings.ts'
import { LineFile } from '../system/line-file.ts'

export type { Logger } from 'pino'

const STANDARD_ERROR = 2
/** Characters of the facts in one line, and of an error with its stack: whoever's words are in them, a log stays one. */
const FACTS_MOST = 16_384
const TEXT_MOST = 4_096

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
 * nothing else; a file that fails is named on standard error. What is logged of a guest's or an engine's words is cut and
 * made visible.
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
  const logger = pino({ level: logLevel, base: { host: hostName }, ...HARMLESS }, file)
  return { logger, reopen: () => file.reopen(), flush: () => file.flush() }
}

const HARMLESS = {
  formatters: { log: (facts: Record<string, unknown>) => boundFacts(facts, FACTS_MOST) },
  serializers: { err: errorFacts },
  hooks: {
    logMethod(this: Logger, inputs: Parameters<LogFn>, method: LogFn): void {
      method.apply(this, inputs.map(harmless) as Parameters<LogFn>)
    },
  },
}

/** What is thrown need be no error: that is logged as the fact that it is. */
function errorFacts(thrown: unknown): unknown {
  return thrown instanceof Error ? boundFacts({ ...stdSerializers.err(thrown) }, FACTS_MOST) : thrown
}

function harmless(input: unknown): unknown {
  return typeof input === 'string' ? shownLines(input, TEXT_MOST) : input
}
