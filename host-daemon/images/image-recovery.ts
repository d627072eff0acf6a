import { z } from 'zod'

/** Below the home, with `/` between names; `*` stands for any part of one name. Never `.` or `..`. */
export const identityPatternSchema = z
  .string()
  .regex(/^[A-Za-z0-9._*-]+(\/[A-Za-z0-9._*-]+)*$/)
  .refine((pattern) => !pattern.split('/').some((name) => name === '.' || name === '..'))

/** What a recipe may say for recovery points of guests of its image. */
export const imageRecoverySchema = z.object({
  /** Files of a home that say which guest it is: a clone begins without them. */
  identity: z.array(identityPatternSchema).max(100).optional(),
  /** Program and arguments: exit status 0 says that a restored guest is well. */
  check: z.array(z.string().min(1).max(4096)).min(1).max(100).optional(),
})

/** The same, where nothing is left open. */
export interface ImageRecovery {
  readonly identity: readonly string[]
  /** Null: that its agent answers is all that is asked of a restored guest. */
  readonly check: readonly string[] | null
}

/** What guests usually keep their identity in. */
const DEFAULT_IDENTITY = ['.machine-id', 'etc/machine-id', 'etc/ssh/ssh_host_*', '.ssh-host-keys/*']

export function imageRecoveryOf(told: z.infer<typeof imageRecoverySchema> | undefined): ImageRecovery {
  return { identity: told?.identity ?? DEFAULT_IDENTITY, check: told?.check ?? null }
}
