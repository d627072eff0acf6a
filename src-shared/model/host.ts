import { z } from 'zod'
import { failureSchema } from '../error.ts'
import { plainText, strictText } from '../lib/strict-text.ts'
import { daemonInfoSchema } from './daemon.ts'
import { timestampSchema } from './environment.ts'
import { hostIdSchema, hostNameSchema } from './ids.ts'

/** A host name, an IPv4 or IPv6 address, or an alias of the user's `ssh_config`. */
export const hostAddressSchema = strictText(
  /^[A-Za-z0-9][A-Za-z0-9._:%-]{0,254}$/,
  'must be a host name, an IP address or an ssh_config alias',
)
const loginSchema = strictText(/^[a-z_][a-z0-9_.-]{0,31}$/i, 'must be a login name')
const filePathSchema = plainText(4096).refine((path) => path.startsWith('/'), 'must be an absolute path')

/** How to reach a host. What is absent comes from the user's `ssh_config`, then from OpenSSH's defaults. */
export const hostTargetSchema = z.object({
  address: hostAddressSchema,
  port: z.int().min(1).max(65_535).optional(),
  user: loginSchema.optional(),
  /** Private key file on the console's machine; the agent is asked where absent. */
  identityFile: filePathSchema.optional(),
  /** Where the daemon's role sockets are on the host. */
  socketDirectory: filePathSchema.default('/run/pilothouse'),
})
export type HostTarget = z.infer<typeof hostTargetSchema>

export const hostKeySchema = z.object({
  /** Such as `ssh-ed25519`. */
  type: z.string(),
  /** `SHA256:` + unpadded base64, as OpenSSH prints it. */
  fingerprint: z.string(),
})
export type HostKey = z.infer<typeof hostKeySchema>

/** The connection to one host, each state with only its own facts. Times are on the console's clock. */
export const hostConnectionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('disconnected'), since: timestampSchema }),
  z.object({
    kind: z.literal('connecting'),
    since: timestampSchema,
    /** Counted from 1 since the last success. */
    attempt: z.int().min(1),
    step: z.enum(['reaching', 'authenticating', 'finding_daemon', 'greeting']),
  }),
  /** First contact: nothing more happens until someone accepts this key. */
  z.object({ kind: z.literal('awaiting_trust'), since: timestampSchema, key: hostKeySchema }),
  z.object({
    kind: z.literal('connected'),
    since: timestampSchema,
    daemon: daemonInfoSchema,
    /** Host clock − console clock, milliseconds. */
    clockOffsetMs: z.int(),
    /** When the host last proved alive. */
    confirmedAt: timestampSchema,
  }),
  /** The link is down and will be tried again at `nextAt`. */
  z.object({
    kind: z.literal('retrying'),
    since: timestampSchema,
    attempt: z.int().min(1),
    nextAt: timestampSchema,
    failure: failureSchema,
  }),
  /** A full stop: trying again by itself would be wrong (changed key, refused login, protocol). */
  z.object({
    kind: z.literal('refused'),
    since: timestampSchema,
    failure: failureSchema,
    key: hostKeySchema.nullable(),
  }),
])
export type HostConnection = z.infer<typeof hostConnectionSchema>

export const hostSchema = z.object({
  id: hostIdSchema,
  name: hostNameSchema,
  target: hostTargetSchema,
  pinnedKey: hostKeySchema.nullable(),
  connection: hostConnectionSchema,
})
export type Host = z.infer<typeof hostSchema>
