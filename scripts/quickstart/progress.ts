import { performance } from 'node:perf_hooks'

const MS_PER_S = 1000

/** Says on stderr what is going on, and remembers how long each thing took; stdout is left to results. */
export class Progress {
  private readonly startedAt = performance.now()
  private readonly marks: Record<string, number> = {}

  say(text: string): void {
    const seconds = ((performance.now() - this.startedAt) / MS_PER_S).toFixed(1)
    process.stderr.write(`${seconds.padStart(7)} s  ${text}\n`)
  }

  /** Runs one thing and records its duration under `name`, in milliseconds. */
  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const from = performance.now()
    const result = await work()
    this.marks[name] = Math.round(performance.now() - from)
    return result
  }

  /** Records how long it took from the start of the command until now. */
  mark(name: string): void {
    this.marks[name] = Math.round(performance.now() - this.startedAt)
  }

  /** Milliseconds by name. */
  get times(): Readonly<Record<string, number>> {
    return this.marks
  }
}
