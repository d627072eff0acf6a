import type { PilothouseError } from '../../../src-shared/error.ts'
import type { CliIo } from './ports.ts'
import { printable } from './render/text.ts'

/**
 * What the program says. With `--json`, stdout carries JSON alone: one document, or one a line for streams;
 * errors are one JSON document on stderr. Without, text for people. Nothing else is ever on stdout.
 */
export class Output {
  readonly isJson: boolean
  private readonly io: CliIo

  constructor(io: CliIo, isJson: boolean) {
    this.io = io
    this.isJson = isJson
  }

  /** A person watches stderr, so that progress may be drawn there. */
  get hasProgress(): boolean {
    return this.io.stderr.isTTY && !this.isJson
  }

  /** One answer, or one item of a stream. */
  item(value: unknown, human: () => string): void {
    this.io.stdout.write(`${this.isJson ? JSON.stringify(value) : human()}\n`)
  }

  /** Something worth knowing that is not the answer; left out with `--json`. */
  note(text: string): void {
    if (!this.isJson) this.io.stderr.write(`${printable(text)}\n`)
  }

  failure(error: PilothouseError): void {
    if (this.isJson) this.io.stderr.write(`${JSON.stringify({ error: error.toFailure() })}\n`)
    else this.io.stderr.write(humanFailure(error))
  }
}

function humanFailure(error: PilothouseError): string {
  const lines = [`pilothouse: ${error.message}`, `hint: ${error.hint}`]
  if (error.requestId !== '') lines.push(`request: ${error.requestId} (${error.code})`)
  return lines.map((line) => `${printable(line)}\n`).join('')
}
