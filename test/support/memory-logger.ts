import type { Logger } from '../../host-daemon/system/logger.ts'

export interface LoggedLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly facts: object
  readonly message: string
}

/** Keeps what was logged, so that a test can say what must or must not be there. */
export class MemoryLogger implements Logger {
  readonly lines: LoggedLine[] = []

  info(facts: object, message: string): void {
    this.lines.push({ level: 'info', facts, message })
  }

  warn(facts: object, message: string): void {
    this.lines.push({ level: 'warn', facts, message })
  }

  error(facts: object, message: string): void {
    this.lines.push({ level: 'error', facts, message })
  }

  /** Messages of what went wrong. */
  errors(): string[] {
    return this.lines.filter(({ level }) => level === 'error').map(({ message }) => message)
  }
}
