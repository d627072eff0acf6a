import { PilothouseError } from '../../src-shared/error.ts'
import type { HomeId } from '../../src-shared/model/ids.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import { withDeadline } from '../system/deadline.ts'

/** A look that a caller waits for takes no longer, in milliseconds. */
const LOOK_MS = 5_000

/** A home that can be brought back, and until when. */
export type UndoableHome = KeptHome & { readonly until: number }

/** A kept home that somebody may decide about. */
export type KeptAside = KeptHome & { readonly purpose: 'undo' | 'review' }

/** Throws `nothing_to_undo` where none is kept, or where its deadline has passed. */
export function undoableOf({ store, clock }: RecoveryToolkit, { id, name }: StoredEnvironment): UndoableHome {
  const kept = store.keptHomes.undoOf(id)
  if (kept === undefined || kept.until === null) {
    throw new PilothouseError('nothing_to_undo', `No home of ${name} is kept for an undo.`)
  }
  const { until } = kept
  if (clock.now() < until) return { ...kept, until }
  const message = `The home ${kept.homeId} of ${name} could be brought back until ${new Date(until).toISOString()}; that time has passed.`
  throw new PilothouseError('nothing_to_undo', message)
}

/** What the kept home takes on disk. Throws `nothing_to_undo` where it is positively gone. */
export async function weighKept(
  recovery: RecoveryToolkit,
  environment: StoredEnvironment,
  homeId: HomeId,
): Promise<number> {
  const seen = await lookAtKept(recovery, environment, homeId)
  if (seen.kind === 'unreadable') {
    const message = `Whether the kept home ${homeId} is there could not be found out: ${seen.problem} Nothing was touched.`
    throw new PilothouseError('engine_failed', message, { cause: seen.cause })
  }
  if (seen.kind === 'present') return seen.bytes
  throw new PilothouseError('nothing_to_undo', `The home ${homeId}, which was kept, is gone. Nothing was touched.`)
}

export type KeptSeen =
  | { readonly kind: 'present'; readonly bytes: number }
  /** Positively. */
  | { readonly kind: 'absent' }
  | { readonly kind: 'unreadable'; readonly problem: string; readonly cause: unknown }

/** Looks at a kept home now. Never rejects. */
export async function lookAtKept(
  { drivers, clock }: RecoveryToolkit,
  environment: StoredEnvironment,
  homeId: HomeId,
): Promise<KeptSeen> {
  const look = async () => drivers.of(environment).inspectHome(homeId)
  const onDeadline = () => new Error(`The home did not answer within ${LOOK_MS / 1000} s.`)
  try {
    return await withDeadline<KeptSeen>(look, { clock, deadlineMs: LOOK_MS, onDeadline })
  } catch (cause) {
    return { kind: 'unreadable', problem: cause instanceof Error ? cause.message : String(cause), cause }
  }
}
