import type { Restic, ResticRunOptions } from './restic.ts'

/**
 * Removes data that no point needs any more. Needs the repository for itself, and some space to write in. Ended half
 * way, it leaves a sound repository and can be run again.
 */
export async function pruneRepository(restic: Restic, run: ResticRunOptions = {}): Promise<void> {
  await restic.run({ verb: 'prune', flags: ['--quiet'], ...run })
}
