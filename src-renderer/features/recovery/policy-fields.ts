import { backupPolicySchema, type BackupPolicy } from '../../../src-shared/model/backup.ts'

export const KEEP_RULES = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
export type KeepRule = (typeof KEEP_RULES)[number]

/** The fields as they are typed; empty means that it is not set. */
export interface PolicyFields {
  interval: string
  freshness: string
  drill: string
  keep: Record<KeepRule, string>
}

export function fieldsOf({ intervalMinutes, keep, freshnessMinutes, drillIntervalHours }: BackupPolicy): PolicyFields {
  const text = (value: number | null | undefined): string =>
    value === null || value === undefined ? '' : String(value)
  return {
    interval: text(intervalMinutes),
    freshness: text(freshnessMinutes),
    drill: text(drillIntervalHours),
    keep: Object.fromEntries(KEEP_RULES.map((rule) => [rule, text(keep[rule])])) as Record<KeepRule, string>,
  }
}

/** What is not a whole number is left for the schema to refuse, with the field's name. */
function numberOf(text: string | number): number | null {
  const trimmed = String(text).trim()
  return trimmed === '' ? null : /^\d{1,9}$/.test(trimmed) ? Number(trimmed) : Number.NaN
}

export type PolicyCheck =
  { readonly policy: BackupPolicy; readonly error: null } | { readonly policy: null; readonly error: string }

const NAMES: Readonly<Record<string, string>> = {
  intervalMinutes: 'Every: must be a whole number of minutes from 5 to 44640, or empty for no schedule.',
  freshnessMinutes: 'Stale after: must be a whole number of minutes from 1 to 525600, or empty to follow the schedule.',
  drillIntervalHours: 'Drill every: must be a whole number of hours from 1 to 8760, or empty for none.',
}

/** The policy that the fields mean, or what is wrong with the first field that is wrong. */
export function checkPolicy(fields: PolicyFields): PolicyCheck {
  const keep = KEEP_RULES.map((rule) => [rule, numberOf(fields.keep[rule])] as const)
  const parsed = backupPolicySchema.safeParse({
    intervalMinutes: numberOf(fields.interval),
    keep: Object.fromEntries(keep.filter(([, count]) => count !== null)),
    freshnessMinutes: numberOf(fields.freshness),
    drillIntervalHours: numberOf(fields.drill),
  })
  if (parsed.success) return { policy: parsed.data, error: null }
  const [first] = parsed.error.issues
  const [field, rule] = first?.path ?? []
  if (field !== 'keep') return { policy: null, error: NAMES[String(field)] ?? 'The policy is not valid.' }
  const error =
    rule === undefined
      ? 'Keep: needs at least one rule; without any, every point would be forgotten.'
      : `Keep ${String(rule)}: must be a whole number from 1 to 10000, or empty.`
  return { policy: null, error }
}
