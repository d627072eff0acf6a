/** Delays between attempts: exponential up to a cap, with full jitter over the upper half. */
export interface BackoffOptions {
  readonly firstMs: number
  readonly capMs: number
}

/**
 * The delay before attempt `attempt` (1 = the first retry), in milliseconds.
 * `fraction` in [0, 1) supplies the jitter; the result lies in [half, whole] of the exponential step.
 */
export function backoffMs(attempt: number, fraction: number, options: BackoffOptions): number {
  const step = Math.min(options.capMs, options.firstMs * 2 ** Math.max(0, attempt - 1))
  return Math.round(step / 2 + (step / 2) * fraction)
}
