/** Numbers in [0, 1), the same for the same seed: a benchmark's interval must not change when it is computed again. */
export function seededFractions(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The value below which `fraction` of the sorted values lie, between neighbours where it falls between them. */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const place = (sorted.length - 1) * fraction
  const below = sorted[Math.floor(place)]
  const above = sorted[Math.ceil(place)]
  if (below === undefined || above === undefined) throw new RangeError('a quantile needs at least one value')
  return below + (above - below) * (place - Math.floor(place))
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export interface Interval {
  readonly low: number
  readonly high: number
}

const RESAMPLES = 10_000
const SEED = 20_240_229

/** The 95 % interval of the median, by resampling with replacement (percentile bootstrap), with a fixed seed. */
export function bootstrapMedian(values: readonly number[], seed = SEED): Interval {
  const fraction = seededFractions(seed)
  const draw = () => values[Math.floor(fraction() * values.length)] as number
  const medians = Array.from({ length: RESAMPLES }, () => median(Array.from(values, draw)))
  return { low: quantile(medians, 0.025), high: quantile(medians, 0.975) }
}

/** One measurement of each side, made one right after the other. */
export interface Pair {
  readonly reference: number
  readonly ours: number
}

export interface Comparison {
  /** Median of the pairs' ratios. */
  readonly value: number
  readonly ci95: Interval
  readonly pairs: number
  readonly ratios: readonly number[]
}

/** Ours ÷ reference, pair by pair, so that what slows both of a pair down cancels out. */
export function comparePairs(pairs: readonly Pair[]): Comparison {
  const ratios = pairs.map(({ reference, ours }) => ours / reference)
  return { value: median(ratios), ci95: bootstrapMedian(ratios), pairs: pairs.length, ratios }
}

/** How far the reference lies from itself: the larger distance of its interval's ends from 1. */
export function spreadOf(self: Comparison): number {
  return Math.max(Math.abs(self.ci95.low - 1), Math.abs(self.ci95.high - 1))
}

/** Above this the machine is too restless for a verdict. */
export const MOST_SPREAD = 0.1
