import { bytesText } from '../../src-shared/lib/bytes-text.ts'
import { PilothouseError } from '../../src-shared/error.ts'
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

/** How much homes can still take on the host; null where that could not be told now. */
export async function freeBytesFor(
  { drivers, clock, logger }: Toolkit,
  environment: StoredEnvironment,
): Promise<number | null> {
  const look = async () => drivers.of(environment).freeHomeBytes()
  const onDeadline = () => new Error(`The disk of homes did not answer within ${LOOK_MS / 1000} s.`)
  return withDeadline(look, { clock, deadlineMs: LOOK_MS, onDeadline }).catch((error: unknown) => {
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
