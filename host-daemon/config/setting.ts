import { z } from 'zod'
import { strictText } from '../../src-shared/lib/strict-text.ts'

/** What the reference says of a setting beside its schema. */
export interface SettingNote {
  readonly description: string
  /** Unit of the value, or null where it has none. */
  readonly unit: string | null
  /** How the reference writes the default where it depends on the host. */
  readonly defaultText?: string
}

/** Notes by schema: where the reference finds them. */
export const settingNotes = z.registry<SettingNote>()

interface SettingSpec<T extends z.ZodType> extends SettingNote {
  readonly schema: T
  readonly default: z.output<T> & z.core.util.NoUndefined<z.output<T>>
}

/** One setting: its schema, its default, and what the reference says of it. */
export function setting<T extends z.ZodType>(spec: SettingSpec<T>) {
  const { schema: bare, default: value, ...note } = spec
  const schema = bare.default(value)
  settingNotes.add(schema, note)
  return schema
}

export const absolutePathSchema = strictText(
  /^\/(?:[A-Za-z0-9_@%+=:,.-]+\/?)*$/,
  'must be an absolute path of letters, digits and _ @ % + = : , . -',
).refine((path) => !path.split('/').includes('..'), 'must not contain ..')

/** Says its bounds when it is out of them. */
export function wholeNumber(min: number, max: number) {
  const says = `must be a whole number from ${min} to ${max}`
  return z.int(says).min(min, says).max(max, says)
}

export function deadline(defaultMs: number, description: string) {
  return setting({ schema: wholeNumber(100, 86_400_000), default: defaultMs, unit: 'ms', description })
}
