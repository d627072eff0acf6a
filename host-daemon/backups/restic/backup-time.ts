import { LONG } from './restic.ts'

/** For opening the repository and reading what is known of it, however small the home is. */
const LEAST_MS = 10 * 60_000
/** As slow as this it may be, and slower where uploads are limited. */
const LEAST_KIB_PER_SECOND = 512

/**
 * How long a backup of a home of that size may take in all, in milliseconds: as long as writing all of it may at half of
 * the speed that uploads are limited to, and never longer than anything may. Holes of a file cost time and no room, so
 * that what the files claim to hold would bound nothing.
 */
export function backupTotalMs(homeBytes: number, uploadKiBps = Infinity): number {
  const kiBPerSecond = Math.min(LEAST_KIB_PER_SECOND, uploadKiBps / 2)
  return Math.min(LONG.totalMs, LEAST_MS + Math.ceil((homeBytes / 1024 / kiBPerSecond) * 1000))
}
