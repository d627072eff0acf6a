import { environmentSizeSchema, type EnvironmentSize } from '../../src-shared/model/environment.ts'
import { countText, mebibytesText } from './format.ts'

/** What is in the fields of a size, whether or not it is valid. */
export type SizeFields = { [K in keyof EnvironmentSize]: number | null }
export type SizeField = keyof EnvironmentSize
export const SIZE_FIELDS: readonly SizeField[] = ['cpus', 'memoryMiB', 'homeMiB']

export const SIZE_LABELS: Record<SizeField, string> = { cpus: 'CPUs', memoryMiB: 'Memory, MiB', homeMiB: 'Home, MiB' }
/** By how much a press makes it larger or smaller. */
export const SIZE_STEPS: Record<SizeField, number> = { cpus: 1, memoryMiB: 128, homeMiB: 256 }

/** One part of a size in its usual unit. */
export function sizeText(key: SizeField, value: number): string {
  return key === 'cpus' ? countText(value) : mebibytesText(value)
}

const UNITS: Record<SizeField, string> = { cpus: 'CPUs', memoryMiB: 'MiB', homeMiB: 'MiB' }

/** What is beyond the host's own limit, in a phrase a field. */
export function limitErrors(fields: SizeFields, limit: EnvironmentSize | null): Partial<Record<SizeField, string>> {
  const errors: Partial<Record<SizeField, string>> = {}
  for (const key of SIZE_FIELDS) {
    const value = fields[key]
    if (limit === null || value === null || value <= limit[key]) continue
    errors[key] = `at most ${countText(limit[key])} ${UNITS[key]} here`
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
