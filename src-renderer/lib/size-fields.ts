import { environmentSizeSchema, type EnvironmentSize } from '../../src-shared/model/environment.ts'

/** What is in the fields of a size, whether or not it is valid. */
export type SizeFields = { [K in keyof EnvironmentSize]: number | null }
export type SizeField = keyof EnvironmentSize
export const SIZE_FIELDS: readonly SizeField[] = ['cpus', 'memoryMiB', 'homeMiB']

const UNITS: Record<SizeField, string> = { cpus: 'CPUs', memoryMiB: 'MiB', homeMiB: 'MiB' }

/** What is beyond the host's own limit, in a phrase a field. */
export function limitErrors(fields: SizeFields, limit: EnvironmentSize | null): Partial<Record<SizeField, string>> {
  const errors: Partial<Record<SizeField, string>> = {}
  for (const key of SIZE_FIELDS) {
    const value = fields[key]
    if (limit === null || value === null || value <= limit[key]) continue
    errors[key] = `at most ${limit[key].toLocaleString('en-GB')} ${UNITS[key]} here`
  }
  return errors
}

/** What is wrong with the fields by the contract, then by the host's limit; empty where nothing is. */
export function sizeErrors(fields: SizeFields, limit: EnvironmentSize | null): Partial<Record<SizeField, string>> {
  const errors: Partial<Record<SizeField, string>> = {}
  for (const issue of environmentSizeSchema.safeParse(fields).error?.issues ?? []) {
    const key = issue.path[0] as SizeField
    errors[key] ??= fields[key] === null ? 'say how much' : issue.message
  }
  return { ...limitErrors(fields, limit), ...errors }
}
