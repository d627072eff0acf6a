/** Structured logging, as pino does it: facts first, then one sentence. Secrets never go in. */
export interface Logger {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}
