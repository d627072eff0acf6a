import { z } from 'zod'
import { recoveryPointIdSchema, type RecoveryPointId } from '../../../src-shared/model/ids.ts'
import { ResticFailure } from './failure.ts'
import { countSchema, parseDocument } from './output.ts'
import type { Restic, ResticRunOptions } from './restic.ts'

/** What a restore of a point makes: hard links count as one for bytes, as many for entries. */
export interface PointSize {
  readonly bytes: number
  /** Files, folders and everything else. */
  readonly entries: number
}

const sizeSchema = z.object({ total_size: countSchema, total_file_count: countSchema, snapshots_count: countSchema })

/** Walks the whole point: seconds for 100,000 files. */
export async function sizeOfPoint(
  restic: Restic,
  { point, isLockless, ...run }: ResticRunOptions & { readonly point: RecoveryPointId; readonly isLockless?: boolean },
): Promise<PointSize> {
  const flags = ['--json', '--mode', 'restore-size', ...(isLockless === true ? ['--no-lock'] : [])]
  const { stdout } = await restic.run({ verb: 'stats', flags, operands: [recoveryPointIdSchema.parse(point)], ...run })
  return parseSize(stdout.toString('utf8'))
}

/** restic 0.14 answers for a point that is not there too: with zeros, of no snapshot, and success. */
export function parseSize(text: string): PointSize {
  const stats = parseDocument('stats', text, sizeSchema)
  if (stats.snapshots_count !== 1) throw new ResticFailure('no_such_snapshot', { verb: 'stats' })
  return { bytes: stats.total_size, entries: stats.total_file_count }
}
