import { z } from 'zod'
import { driverKindSchema, environmentSizeSchema, timestampSchema } from './environment.ts'
import { roleSchema } from './role.ts'

/** Raised when a change of the contract cannot be read by the other end. */
export const PROTOCOL_VERSION = 1

export const acceleratorSchema = z.object({
  kind: z.enum(['kvm', 'tcg', 'none']),
  /** One sentence: why this one and not the other. */
  reason: z.string(),
})
export type Accelerator = z.infer<typeof acceleratorSchema>

/** What a driver can do; the screen disables the rest with `reason`. */
export const driverDescriptionSchema = z.object({
  kind: driverKindSchema,
  accelerator: acceleratorSchema,
  capabilities: z.object({
    console: z.boolean(),
    consoleInput: z.boolean(),
    gracefulStop: z.boolean(),
  }),
  /** Set when the driver cannot be used on this host now: one sentence. */
  unavailableReason: z.string().nullable(),
})
export type DriverDescription = z.infer<typeof driverDescriptionSchema>

/** The answer to the first call on every connection. */
export const daemonInfoSchema = z.object({
  protocol: z.int(),
  version: z.string(),
  /** The host's own name for itself. */
  hostName: z.string(),
  /** New at each daemon start. */
  epoch: z.string(),
  startedAt: timestampSchema,
  /** The host's clock now. */
  now: timestampSchema,
  role: roleSchema,
  user: z.string(),
  uid: z.int(),
  capabilities: z.array(z.string()),
  drivers: z.array(driverDescriptionSchema),
  /** Sizes beyond this are answered `host_limit_reached`. */
  sizeLimit: environmentSizeSchema,
  /** The host brings failed and lost environments back by itself, once per failure. */
  isRecoveringAutomatically: z.boolean(),
})
export type DaemonInfo = z.infer<typeof daemonInfoSchema>
