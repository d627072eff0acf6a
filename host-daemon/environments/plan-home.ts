import { bytesText } from '../../src-shared/lib/bytes-text.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import { lookAtHome } from './home-look.ts'
import type { Toolkit } from './toolkit.ts'

/** The home as it was found for a plan. */
export type HomeFinding =
  | { readonly kind: 'present'; readonly bytes: number; readonly isEmpty: boolean }
  | { readonly kind: 'absent'; readonly wasUsed: boolean }
  | { readonly kind: 'unreadable'; readonly problem: string; readonly isEmpty: boolean }

/** A home counts as empty where no guest ever had it; in doubt it does not. */
export async function inspectHome(toolkit: Toolkit, environment: StoredEnvironment): Promise<HomeFinding> {
  const madeAt = toolkit.store.environments.homeMadeAt(environment.home.id)
  const wasUsed = environment.quarantine !== null || (environment.boot !== null && madeAt !== null)
  try {
    const found = await lookAtHome(toolkit, environment)
    return found.kind === 'absent' ? { ...found, wasUsed } : { ...found, isEmpty: !wasUsed }
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'unknown'
    return { kind: 'unreadable', problem, isEmpty: !wasUsed }
  }
}

/** Whether the name must be typed before the home goes. */
export function needsNameFor({ quarantine }: StoredEnvironment, home: HomeFinding): boolean {
  return quarantine !== null || (home.kind !== 'absent' && !home.isEmpty)
}

/** What the home takes on disk now, in bytes; null where that could not be read. */
export function bytesOf(home: HomeFinding): number | null {
  if (home.kind === 'present') return home.bytes
  return home.kind === 'absent' ? 0 : null
}

/** What becomes of a guest that is ended without asking it, as one sentence. */
export function guestFate({ observed }: StoredEnvironment): string {
  if (observed.kind === 'running') return 'The guest is running and is ended at once.'
  if (observed.kind === 'stopped' || observed.kind === 'lost') return 'The guest is not running.'
  if (observed.kind === 'failed') return 'The guest has failed; whatever is left of it is ended at once.'
  return 'Whether the guest runs is not known now; if it does, it is ended at once.'
}

/** What removing the home loses, as one sentence. */
export function homeLoss({ home: { id, sizeMiB } }: StoredEnvironment, found: HomeFinding): string {
  const size = `Its home ${id} of ${sizeMiB} MiB`
  if (found.kind === 'unreadable') {
    return `${size} is removed. How much is in it could not be read: ${found.problem}`
  }
  if (found.kind === 'absent') {
    return found.wasUsed ? `${size} is gone already, with everything that was in it.` : `${size} was never made.`
  }
  if (found.isEmpty) return `${size} is removed; no guest has ever used it.`
  return `${size}, taking ${bytesText(found.bytes)} on disk, is removed with everything in it.`
}
