import { z } from 'zod'
import {
  environmentIdSchema,
  recoveryPointIdSchema,
  type EnvironmentId,
  type RecoveryPointId,
} from '../../../src-shared/model/ids.ts'
import { ResticFailure } from './failure.ts'
import { parseDocument } from './output.ts'
import { SHORT, type Restic, type ResticRunOptions } from './restic.ts'
import { listSnapshots } from './snapshots.ts'
import { tagSchema, type Tag } from './tags.ts'

/** Which points stay: those that any of the rules keeps. */
export interface KeepRules {
  readonly last?: number
  readonly hourly?: number
  readonly daily?: number
  readonly weekly?: number
  readonly monthly?: number
  readonly yearly?: number
  /** Points with any of these tags. */
  readonly tags?: readonly Tag[]
}

const PERIODS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
const countSchema = z.int().min(1).max(100_000)
const snapshotIdSchema = z.object({ id: recoveryPointIdSchema })
const groupsSchema = z
  .array(z.object({ keep: z.array(snapshotIdSchema).nullish(), remove: z.array(snapshotIdSchema).nullish() }))
  .nullable()

export interface ForgetResult {
  readonly kept: readonly RecoveryPointId[]
  readonly forgotten: readonly RecoveryPointId[]
}

/**
 * Forgets these points. Resolves once none of them is in the repository, whoever forgot them. Their data stays until
 * the repository is pruned.
 */
export async function forgetPoints(
  restic: Restic,
  { points, ...run }: ResticRunOptions & { readonly points: readonly RecoveryPointId[] },
): Promise<void> {
  const ids = points.map((point) => recoveryPointIdSchema.parse(point))
  // Without an id restic would forget by rule.
  if (ids.length === 0) return
  await restic.run({ verb: 'forget', flags: ['--json'], operands: ids, deadlines: SHORT, ...run })
  const there = new Set((await listSnapshots(restic, run)).map(({ id }) => id))
  const left = ids.filter((id) => there.has(id))
  if (left.length > 0)
    throw new ResticFailure('unexpected', { verb: 'forget', says: `${left.length} of the points are still there` })
}

/**
 * Forgets the points of one environment, and of no other, that no rule keeps. At least one rule is required. Forgets
 * nothing when the record of any point cannot be read: rules that do not see all points keep the wrong ones.
 */
export async function forgetByRules(
  restic: Restic,
  { host, keep, ...run }: ResticRunOptions & { readonly host: EnvironmentId; readonly keep: KeepRules },
): Promise<ForgetResult> {
  // One group an environment: grouped by path as well, a point from another mount would be kept for ever.
  const flags = ['--json', '--host', environmentIdSchema.parse(host), '--group-by', 'host', ...keepFlags(keep)]
  await listSnapshots(restic, run)
  const { stdout } = await restic.run({ verb: 'forget', flags, deadlines: SHORT, ...run })
  return parseForgotten(stdout.toString('utf8'))
}

export function keepFlags(keep: KeepRules): string[] {
  const flags = [
    ...PERIODS.flatMap((period) => {
      const count = keep[period]
      return count === undefined ? [] : [`--keep-${period}`, String(countSchema.parse(count))]
    }),
    ...(keep.tags ?? []).flatMap((tag) => ['--keep-tag', tagSchema.parse(tag)]),
  ]
  if (flags.length === 0) throw new RangeError('Retention without a rule would forget everything.')
  return flags
}

/** From the document that `forget --json` prints; nothing at all when the environment has no point. */
export function parseForgotten(text: string): ForgetResult {
  const groups = text.trim() === '' ? [] : (parseDocument('forget', text, groupsSchema) ?? [])
  return {
    kept: groups.flatMap(({ keep }) => (keep ?? []).map(({ id }) => id)),
    forgotten: groups.flatMap(({ remove }) => (remove ?? []).map(({ id }) => id)),
  }
}
