import { bytesText } from '../../src-shared/lib/bytes-text.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { VmDriver } from '../drivers/vm-driver.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import { withDeadline } from '../system/deadline.ts'
import { roomHint } from './plan-kept.ts'
import type { Toolkit } from './toolkit.ts'

const MIB = 1024 * 1024
/** Tables and journal of a home's file system, which is made sparse: at most this part of the home. */
const OWN_PART = 16
const MOST_OWN_BYTES = 128 * MIB
/** A look that a caller waits for takes no longer, in milliseconds; a disk that hangs must not hang the call. */
const LOOK_MS = 5_000

/** What a new, empty home takes on disk before anything is written to it, in bytes: rather too much. */
export function freshHomeBytes(homeMiB: number): number {
  return Math.min(MOST_OWN_BYTES, Math.ceil((homeMiB * MIB) / OWN_PART))
}

/**
 * How much homes of a driver can still take on the host. Throws `storage_failed` where that cannot be told, or is not
 * told within 5 s.
 */
export async function freeBytesOf(driver: Pick<VmDriver, 'freeHomeBytes'>, clock: Clock): Promise<number> {
  const onDeadline = () => new Error(`The disk of homes did not answer within ${LOOK_MS / 1000} s.`)
  try {
    // A disk that hangs does not mind who waits no longer.
    return await withDeadline(() => driver.freeHomeBytes(), { clock, deadlineMs: LOOK_MS, onDeadline })
  } catch (error) {
    throw untold(error)
  }
}

function untold(cause: unknown): PilothouseError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const message = `How much disk is free for homes could not be told: ${why}`
  const hint = "See that the disk of the host's homes answers, then try it again."
  return new PilothouseError('storage_failed', message, { hint, cause })
}

/** The same of an environment's, where it need not be known: null where it could not be told now. */
export async function freeBytesFor(
  { drivers, clock, logger }: Toolkit,
  environment: StoredEnvironment,
): Promise<number | null> {
  const look = async () => freeBytesOf(drivers.of(environment), clock)
  return look().catch((error: unknown) => {
    logger.warn({ err: error }, 'How much disk is free for homes could not be told')
    return null
  })
}

/**
 * Answers how much is free, as `freeBytesFor` does. Throws `host_limit_reached` where that is too little for a new home
 * beside the present one; what is not known is no reason to refuse.
 */
export async function assertRoomForFreshHome(toolkit: Toolkit, environment: StoredEnvironment): Promise<number | null> {
  const { id, name, size } = environment
  const freeBytes = await freeBytesFor(toolkit, environment)
  const neededBytes = freshHomeBytes(size.homeMiB)
  if (freeBytes === null || neededBytes <= freeBytes) return freeBytes
  const message = `A new home needs ${bytesText(neededBytes)} of disk beside the present one; ${bytesText(freeBytes)} are free. Nothing was touched.`
  throw tooLittle(message, { neededBytes, freeBytes, hint: roomHint(toolkit.store.keptHomes.allOf(id), name) })
}

interface Room {
  readonly neededBytes: number
  readonly freeBytes: number
  /** Undefined: the code's own. */
  readonly hint: string | undefined
}

/** The host has not the disk for a further home. */
export function tooLittle(message: string, { hint, ...details }: Room): PilothouseError {
  return new PilothouseError('host_limit_reached', message, { details, ...(hint === undefined ? {} : { hint }) })
}
