import type { BenchLine } from './paired-run.ts'

/** What `npm run bench` gives to a benchmark. */
export interface BenchOptions {
  /** Instead of the benchmark's own number of pairs, for a quick look; the line then says how many there were. */
  readonly pairs?: number
  readonly onProgress: (sentence: string) => void
}

/** One benchmark: sets its machine up, measures, cleans up, and answers with its lines. */
export type Bench = (options: BenchOptions) => Promise<BenchLine[]>
