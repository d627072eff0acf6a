import { bytesText } from '../../src-shared/lib/bytes-text.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { freeBytesOf, freshHomeBytes, tooLittle } from '../environments/home-room.ts'
import { roomHint } from '../environments/plan-kept.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredPoint } from '../store/points-table.ts'

const MIB = 1024 * 1024
/** The last block of a file, or the only one of a folder, is used up whole. */
const BLOCK_BYTES = 4096

type Sized = Pick<StoredEnvironment, 'name' | 'size'>

/** What a new home with everything of the point in it takes on disk, in bytes: an estimate that is rather too high. */
export function diskNeededBytes({ size }: Sized, { bytes, entries }: Pick<StoredPoint, 'bytes' | 'entries'>): number {
  return Math.min(size.homeMiB * MIB, bytes + entries * BLOCK_BYTES + freshHomeBytes(size.homeMiB))
}

/**
 * Answers how much is free. Throws `host_limit_reached` where the point is larger than the home may be, or where the host
 * has not the disk for it; `storage_failed` where nobody can tell how much it has.
 */
export async function assertRoomBesideHome(
  { drivers, store, clock }: RecoveryToolkit,
  environment: StoredEnvironment,
  point: StoredPoint,
): Promise<number> {
  assertSize(environment, point)
  const neededBytes = diskNeededBytes(environment, point)
  const freeBytes = await freeBytesOf(drivers.of(environment), clock)
  if (neededBytes <= freeBytes) return freeBytes
  const message = `The restored home needs ${bytesText(neededBytes)} of disk beside the present one; ${bytesText(freeBytes)} are free. Nothing was touched.`
  const hint = roomHint(store.keptHomes.allOf(environment.id), environment.name)
  throw tooLittle(message, { neededBytes, freeBytes, hint })
}

function assertSize({ name, size }: Sized, { bytes }: StoredPoint): void {
  const homeBytes = size.homeMiB * MIB
  if (bytes < homeBytes) return
  const message = `The point holds ${bytesText(bytes)}; the home of ${name} may be ${size.homeMiB} MiB large. Nothing was touched.`
  const hint = 'Give the environment a larger home first: stop it, resize it, and plan again.'
  throw new PilothouseError('host_limit_reached', message, { hint, details: { bytes, homeBytes } })
}
