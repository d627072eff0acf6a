import { environmentNameSchema, ownerNameSchema } from '../../../src-shared/model/ids.ts'
import type { EnvironmentName, OwnerName } from '../../../src-shared/model/ids.ts'

/** What a new environment is asked for with, whether or not it is valid. */
export interface NewEnvironmentFields {
  name: string
  owner: string
}

export interface NewEnvironmentCheck {
  readonly errors: { readonly name?: string; readonly owner?: string }
  /** Null where something is wrong. */
  readonly request: { readonly name: EnvironmentName; readonly owner: OwnerName } | null
}

/** The contract's own rules and messages; what is not filled in yet is no error to show, and no request either. */
export function checkNewEnvironment({ name, owner }: NewEnvironmentFields): NewEnvironmentCheck {
  const parsed = { name: environmentNameSchema.safeParse(name), owner: ownerNameSchema.safeParse(owner) }
  const nameSays = name === '' ? undefined : parsed.name.error?.issues[0]?.message
  const ownerSays = owner === '' ? undefined : parsed.owner.error?.issues[0]?.message
  const errors = {
    ...(nameSays === undefined ? {} : { name: nameSays }),
    ...(ownerSays === undefined ? {} : { owner: ownerSays }),
  }
  if (!parsed.name.success || !parsed.owner.success) return { errors, request: null }
  return { errors, request: { name: parsed.name.data, owner: parsed.owner.data } }
}

/** A name for something that is made of another, not longer than a name may be. */
export function nameAfter(name: string, ending: string): string {
  return `${name.slice(0, 63 - ending.length).replace(/-+$/, '')}${ending}`
}
