import type { Clock } from '../../../src-shared/lib/clock.ts'

export interface StallWatch {
  readonly clock: Clock
  /** Time without progress after which the run counts as stuck. */
  readonly idleMs: number
  /** Bytes moved so far; undefined while that is not known. */
  readonly movedBytes: () => Promise<number | undefined>
  /** Called once when it is stuck. */
  readonly onStall: () => void
  /** Ends the watch. */
  readonly signal: AbortSignal
}

const LOOKS_PER_DEADLINE = 20
/** Less than this between two looks is the program's own idling: timers, status lines, the refresh of a lock. */
const LEAST_PROGRESS_BYTES = 1024

/**
 * Watches over a program by the bytes it moves. Stuck means: in no twentieth of `idleMs`, for all of `idleMs`, did it
 * move a KiB. Resolves when the signal ends it or it has called `onStall`; never rejects.
 */
export async function watchForStall(watch: StallWatch): Promise<void> {
  const stepMs = Math.max(1, Math.floor(watch.idleMs / LOOKS_PER_DEADLINE))
  let movedAtLastLook = 0
  for (let idleMs = 0; idleMs < watch.idleMs; idleMs += stepMs) {
    const isOver = await watch.clock.sleep(stepMs, watch.signal).then(
      () => false,
      () => true,
    )
    if (isOver) return
    const moved = (await watch.movedBytes().catch(() => undefined)) ?? movedAtLastLook
    if (moved - movedAtLastLook >= LEAST_PROGRESS_BYTES) idleMs = -stepMs
    movedAtLastLook = moved
  }
  watch.onStall()
}
