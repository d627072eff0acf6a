import { comparePairs, median, MOST_SPREAD, spreadOf, type Comparison, type Pair } from './statistics.ts'

/** One measurement; what it answers is in the benchmark's own unit. */
export type Measure = () => Promise<number>

export interface PairedBenchmark {
  readonly bench: string
  readonly metric: string
  /** At least 15 unless the benchmark is slow, which its details then say. */
  readonly pairs: number
  /** Measurements of each side before anything counts. */
  readonly warmUps: number
  readonly reference: Measure
  readonly ours: Measure
  /** The unit of the single measurements, for the details. */
  readonly measuredIn: string
  /** Facts for whoever reads the line; asked for at the end. */
  readonly details: () => Record<string, unknown>
  readonly onProgress: (sentence: string) => void
}

/** The line that a benchmark ends with. */
export interface BenchLine {
  readonly bench: string
  readonly metric: string
  readonly value: number
  readonly unit: 'ratio'
  readonly ci95: readonly [number, number]
  readonly pairs: number
  /** Only where it is so. */
  readonly inconclusive?: true
  readonly details: Record<string, unknown>
}

/** A B, B A, A B, …: a machine that grows slower or faster meanwhile favours neither. */
export async function measurePairs<R, O>(
  count: number,
  reference: () => Promise<R>,
  ours: () => Promise<O>,
): Promise<{ reference: R; ours: O }[]> {
  const pairs: { reference: R; ours: O }[] = []
  for (let index = 0; index < count; index += 1) {
    if (index % 2 === 0) {
      const first = await reference()
      pairs.push({ reference: first, ours: await ours() })
    } else {
      const first = await ours()
      pairs.push({ ours: first, reference: await reference() })
    }
  }
  return pairs
}

async function warmUp({ warmUps, reference, ours }: PairedBenchmark): Promise<void> {
  for (let index = 0; index < warmUps; index += 1) {
    await reference()
    await ours()
  }
}

/** The reference against itself first, then ours against the reference. */
export async function runPaired(benchmark: PairedBenchmark): Promise<BenchLine> {
  const { bench, metric, pairs, reference, ours, measuredIn, onProgress } = benchmark
  onProgress(`${metric}: warming up`)
  await warmUp(benchmark)
  onProgress(`${metric}: the reference against itself, ${pairs} pairs`)
  const self = comparePairs(await measurePairs(pairs, reference, reference))
  onProgress(`${metric}: ours against the reference, ${pairs} pairs`)
  const measured = await measurePairs(pairs, reference, ours)
  return benchLine({ bench, metric, measuredIn, measured, self, details: benchmark.details() })
}

export interface Measured {
  readonly bench: string
  readonly metric: string
  readonly measuredIn: string
  readonly measured: readonly Pair[]
  /** The reference against itself. */
  readonly self: Comparison
  readonly details: Record<string, unknown>
}

/** The line of one metric, from pairs that may have been measured for several metrics at once. */
export function benchLine({ bench, metric, measuredIn, measured, self, details }: Measured): BenchLine {
  const result = comparePairs(measured)
  const spread = spreadOf(self)
  return {
    bench,
    metric,
    value: round(result.value),
    unit: 'ratio',
    ci95: intervalOf(result),
    pairs: measured.length,
    ...(spread > MOST_SPREAD ? { inconclusive: true as const } : {}),
    details: {
      measuredIn,
      reference: round(median(measured.map((pair) => pair.reference))),
      ours: round(median(measured.map((pair) => pair.ours))),
      referenceAgainstItself: { value: round(self.value), ci95: intervalOf(self), spread: round(spread) },
      ...details,
    },
  }
}

function intervalOf({ ci95 }: Comparison): [number, number] {
  return [round(ci95.low), round(ci95.high)]
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}
