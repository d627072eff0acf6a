import type { BenchLine } from './paired-run.ts'

/** What `npm run bench` gives to a benchmark. */
export interface BenchOptions {
  /** Instead of the benchmark's own number of pairs, for a quick look; the line then says how many there were. */
  readonly pairs?: number
  readonly onProgress: (sentence: string) => void
}

/** The line of a benchmark that is held to a bound of its own, and to no reference. */
export interface BoundLine extends Readonly<Record<string, unknown>> {
  readonly bench: string
  readonly metric: string
  readonly value: number
  readonly unit: string
  readonly details: Readonly<Record<string, unknown>>
}

/** One benchmark: sets its machine up, measures, cleans up, and answers with its lines. */
export type Bench = (options: BenchOptions) => Promise<(BenchLine | BoundLine)[]>
