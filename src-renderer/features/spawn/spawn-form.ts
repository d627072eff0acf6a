import { z } from 'zod'
import type { Failure } from '../../../src-shared/error.ts'
import { environmentSizeSchema, SIZE_LIMITS, type EnvironmentSize } from '../../../src-shared/model/environment.ts'
import { environmentNameSchema, hostIdSchema, imageRefSchema, ownerNameSchema } from '../../../src-shared/model/ids.ts'
import { limitErrors } from '../../lib/size-fields.ts'
import type { SpawnRequest } from '../../stores/submitted.ts'

/** What is in the fields, whether or not it is valid. */
export interface SpawnFields {
  hostId: string
  name: string
  owner: string
  image: string
  cpus: number | null
  memoryMiB: number | null
  homeMiB: number | null
}
export type SpawnField = keyof SpawnFields

const formSchema = z.object({
  hostId: hostIdSchema,
  name: environmentNameSchema,
  owner: ownerNameSchema,
  image: imageRefSchema,
  ...environmentSizeSchema.shape,
})

const WHEN_EMPTY: Record<SpawnField, string> = {
  hostId: 'choose a host',
  name: 'give it a name',
  owner: 'choose an owner',
  image: 'choose an image',
  cpus: 'say how many',
  memoryMiB: 'say how much',
  homeMiB: 'say how much',
}

export function emptyFields(): SpawnFields {
  const { cpus, memoryMiB, homeMiB } = SIZE_LIMITS
  const size = { cpus: cpus.default, memoryMiB: memoryMiB.default, homeMiB: homeMiB.default }
  return { hostId: '', name: '', owner: '', image: '', ...size }
}

export function fieldsOf({ hostId, name, owner, image, size }: SpawnRequest): SpawnFields {
  return { hostId, name, owner, image, ...size }
}

export type SpawnCheck =
  | { readonly isValid: true; readonly request: SpawnRequest }
  | { readonly isValid: false; readonly errors: Partial<Record<SpawnField, string>> }

/** The contract's own rules and messages, then the chosen host's limits where they are known. */
export function checkFields(fields: SpawnFields, limit: EnvironmentSize | null): SpawnCheck {
  const parsed = formSchema.safeParse(fields)
  const errors: Partial<Record<SpawnField, string>> = {}
  for (const issue of parsed.error?.issues ?? []) {
    const field = issue.path[0] as SpawnField
    const isEmpty = fields[field] === '' || fields[field] === null
    errors[field] ??= isEmpty ? WHEN_EMPTY[field] : issue.message
  }
  const beyond = limitErrors(fields, limit)
  if (!parsed.success || Object.keys(beyond).length > 0) return { isValid: false, errors: { ...beyond, ...errors } }
  const { hostId, name, owner, image, ...size } = parsed.data
  return { isValid: true, request: { hostId, name, owner, image, size } }
}

/** The field that a refusal is about, where it is about one. */
export function fieldOfFailure(failure: Failure): SpawnField | null {
  if (failure.code === 'name_taken') return 'name'
  if (failure.code.startsWith('owner_')) return 'owner'
  return null
}
