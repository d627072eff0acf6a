import { z } from 'zod'
import { observedStateSchema, timestampSchema, type ObservedState } from '../../src-shared/model/environment.ts'
import { homeIdSchema, operationIdSchema, recoveryPointIdSchema, type HomeId } from '../../src-shared/model/ids.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import type { OperationParams, StoredOperation } from '../store/operation-row.ts'
import type { Store } from '../store/store.ts'

/**
 * What a change of homes rests on, decided at its acceptance: every step, undo and later daemon means the same by it.
 */
export const swapSchema = z.object({
  /** The home that is replaced. */
  oldHomeId: homeIdSchema,
  newHomeId: homeIdSchema,
  /** How the environment was. */
  desiredBefore: z.enum(['running', 'stopped']),
  observedBefore: z.string(),
  /** There was, or may have been, a guest that ran: it is brought back where everything is. */
  hadGuest: z.boolean(),
  /** The home that was kept for undo; all null where there was none. */
  keptHomeId: homeIdSchema.nullable(),
  keptBy: operationIdSchema.nullable(),
  keptAt: timestampSchema.nullable(),
  keptUntil: timestampSchema.nullable(),
  keptBytes: z.int().nullable(),
  /** Not known of what was accepted by a daemon that did not tell. */
  keptIsProved: z.boolean().default(false),
})

export const restoreParamsSchema = swapSchema.extend({ pointId: recoveryPointIdSchema, isStopNow: z.boolean() })

export type Swap = z.infer<typeof swapSchema>

/** Of the environment as it is now. */
export function swapParams(store: Store, environment: StoredEnvironment, newHomeId: HomeId): OperationParams & Swap {
  const { id, home, desired, observed } = environment
  const mayRun = observed.kind === 'running' || observed.kind === 'unknown'
  const kept = store.keptHomes.undoOf(id)
  return {
    oldHomeId: home.id,
    newHomeId,
    desiredBefore: desired,
    observedBefore: JSON.stringify(observed),
    hadGuest: mayRun && store.boots.liveOf(id) !== undefined,
    keptHomeId: kept?.homeId ?? null,
    keptBy: kept?.operationId ?? null,
    keptAt: kept?.keptAt ?? null,
    keptUntil: kept?.until ?? null,
    keptBytes: kept?.bytes ?? null,
    keptIsProved: kept?.isProved ?? false,
  }
}

export function swapOf({ params }: StoredOperation): Swap {
  return swapSchema.parse(params)
}

/** The home that was kept for undo at the acceptance, as it was recorded then. */
export function keptBefore({ params, environmentId }: StoredOperation): KeptHome | undefined {
  const {
    keptHomeId: homeId,
    keptBy: operationId,
    keptAt,
    keptUntil: until,
    keptBytes: bytes,
    keptIsProved: isProved,
  } = swapSchema.parse(params)
  if (homeId === null || operationId === null || keptAt === null) return undefined
  return { homeId, environmentId, purpose: 'undo', operationId, keptAt, until, bytes, isProved }
}

export function observedBefore(operation: StoredOperation): ObservedState {
  return observedStateSchema.parse(JSON.parse(swapOf(operation).observedBefore))
}
