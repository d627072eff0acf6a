import { jsonObjectOf } from './json-lines.ts'

const NAMED = 100
/** A longer line is no complaint of restic's that anybody could read. */
const LONGEST_LINE = 64 * 1024

/** Counts the files that restic says it could not read, however many they are, and names the first hundred. */
export class UnreadableFiles {
  /** As restic names them: text of the guest's choice. */
  readonly names: string[] = []
  count = 0
  private rest = ''
  private readonly decoder = new TextDecoder()

  /** A part of what restic writes to stderr, in order. */
  see(chunk: Uint8Array): void {
    const lines = (this.rest + this.decoder.decode(chunk, { stream: true })).split('\n')
    this.rest = (lines.pop() ?? '').slice(0, LONGEST_LINE)
    for (const line of lines) this.look(line)
  }

  /** What has come without a line's end is looked at too. */
  end(): void {
    this.look(this.rest)
    this.rest = ''
  }

  private look(line: string): void {
    const message = jsonObjectOf(line)
    // What cannot be read is complained of once more by the estimate that runs ahead.
    if (message?.['message_type'] !== 'error' || message['during'] === 'scan') return
    this.count += 1
    const { item } = message
    if (typeof item === 'string' && this.names.length < NAMED) this.names.push(item)
  }
}
