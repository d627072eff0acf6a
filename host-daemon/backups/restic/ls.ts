import { z } from 'zod'
import { recoveryPointIdSchema, type RecoveryPointId } from '../../../src-shared/model/ids.ts'
import { ResticFailure } from './failure.ts'
import { jsonObjectsOf } from './json-lines.ts'
import { countSchema, notUnderstood, parseValue, timeSchema } from './output.ts'
import type { Restic, ResticRunOptions } from './restic.ts'

const entrySchema = z
  .object({
    /** From the root of the point, `/` first. Bytes that are not UTF-8 are U+FFFD here: not a name to restore by. */
    path: z.string(),
    /** `file`, `dir`, `symlink`, `dev`, `chardev`, `fifo`, `socket` and whatever comes. */
    type: z.string(),
    size: countSchema,
    mode: z.number().default(0),
    uid: z.number().default(0),
    gid: z.number().default(0),
    mtime: timeSchema,
  })
  .transform(({ mtime, ...rest }) => ({ ...rest, modifiedAtMs: mtime }))
export type PointEntry = z.output<typeof entrySchema>

export interface ListingOptions extends ResticRunOptions {
  readonly point: RecoveryPointId
  /** Called in restic's order, one at a time; the listing waits for it. When it throws, the listing ends with that. */
  readonly onEntry: (entry: PointEntry) => Promise<void> | void
}

/** Tells everything in a point, in bounded memory however much it is. Resolves with the number of entries. */
export async function listPoint(restic: Restic, { point, onEntry, ...run }: ListingOptions): Promise<number> {
  let count = 0
  await restic.run({
    verb: 'ls',
    flags: ['--json'],
    operands: [recoveryPointIdSchema.parse(point)],
    readStdout: async (chunks) => {
      count = await readListing(chunks, { point, onEntry })
    },
    ...run,
  })
  return count
}

/** Holds the output against the point that was asked for: another one's entries are never told. */
export async function readListing(
  chunks: AsyncIterable<Buffer>,
  { point, onEntry }: Pick<ListingOptions, 'point' | 'onEntry'>,
): Promise<number> {
  let count = 0
  let told: unknown
  for await (const message of jsonObjectsOf(chunks)) {
    // Named by struct_type in every version, by message_type since restic 0.17.
    const type = message['message_type'] ?? message['struct_type']
    if (type === 'snapshot') told = message['id']
    if (type !== 'node') continue
    if (told !== point) throw notUnderstood('ls', 'it listed another recovery point than the one asked for')
    await onEntry(parseValue('ls', message, entrySchema))
    count += 1
  }
  // restic 0.14 succeeds without a word on stdout for a point that is not there.
  if (told !== point) throw new ResticFailure('no_such_snapshot', { verb: 'ls' })
  return count
}
