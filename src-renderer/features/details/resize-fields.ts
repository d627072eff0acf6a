import type { EnvironmentSize } from '../../../src-shared/model/environment.ts'
import { mebibytesText } from '../../lib/format.ts'
import { SIZE_FIELDS, sizeErrors, type SizeField, type SizeFields } from '../../lib/size-fields.ts'

export interface ResizeCheck {
  readonly errors: Partial<Record<SizeField, string>>
  /** What differs from what it is now; nothing else is sent. */
  readonly change: Partial<EnvironmentSize>
}

/** The contract's limits, then the host's; and a home only grows. */
export function checkResize(
  fields: SizeFields,
  { now, limit }: { now: EnvironmentSize; limit: EnvironmentSize | null },
): ResizeCheck {
  const errors = sizeErrors(fields, limit)
  const { homeMiB } = fields
  if (homeMiB !== null && homeMiB < now.homeMiB)
    errors.homeMiB = `a home only grows; it is ${mebibytesText(now.homeMiB)}`
  const changed = SIZE_FIELDS.filter((key) => fields[key] !== null && fields[key] !== now[key])
  return { errors, change: Object.fromEntries(changed.map((key) => [key, fields[key]])) }
}
