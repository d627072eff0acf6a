import { z } from 'zod'
import { FAILURE_MESSAGE_MOST } from '../error.ts'
import { wordsSchema } from '../lib/foreign-words.ts'
import {
  bootIdSchema,
  environmentIdSchema,
  environmentNameSchema,
  homeIdSchema,
  imageRefSchema,
  operationIdSchema,
  ownerNameSchema,
} from './ids.ts'
import { labelsSchema } from './labels.ts'
import { startupSummarySchema } from './startup.ts'
import { timestampSchema } from './time.ts'

export { timestampSchema } from './time.ts'

export const DRIVER_KINDS = ['qemu', 'incus', 'fake'] as const
export const driverKindSchema = z.enum(DRIVER_KINDS)
export type DriverKind = z.infer<typeof driverKindSchema>

/** Limits of the contract; a host's own limits are lower and answered with `host_limit_reached`. */
export const SIZE_LIMITS = {
  cpus: { min: 1, max: 16, default: 1 },
  memoryMiB: { min: 128, max: 65_536, default: 512 },
  homeMiB: { min: 16, max: 16_777_216, default: 1024 },
} as const

function sized(limit: { min: number; max: number; default: number }, unit: string) {
  const says = `must be a whole number from ${limit.min} to ${limit.max}${unit}`
  return z.int(says).min(limit.min, says).max(limit.max, says)
}

export const environmentSizeSchema = z.object({
  cpus: sized(SIZE_LIMITS.cpus, ''),
  memoryMiB: sized(SIZE_LIMITS.memoryMiB, ' MiB'),
  homeMiB: sized(SIZE_LIMITS.homeMiB, ' MiB'),
})
export type EnvironmentSize = z.infer<typeof environmentSizeSchema>

/** Startup phases, in order; `failed` is a state, not a phase. */
export const PHASES = ['requested', 'provisioning_vm', 'booting_guest', 'waiting_for_service_ready', 'ready'] as const
export const phaseSchema = z.enum(PHASES)
export type Phase = z.infer<typeof phaseSchema>

/** One plain sentence per phase, the same on screen and in the CLI. */
export const PHASE_SENTENCES: Record<Phase, string> = {
  requested: 'The host has accepted the request.',
  provisioning_vm: 'The host is preparing the home and the virtual machine.',
  booting_guest: 'The guest is booting.',
  waiting_for_service_ready: 'The guest has booted; waiting for its agent to answer.',
  ready: 'The guest is ready.',
}

/** The closed set of reasons for a failed start or a failed guest. */
export const FAILURE_REASONS = {
  address_unavailable: 'No address could be given to the guest.',
  network_failed: "The guest's network could not be set up.",
  image_unavailable: 'The image is missing or incomplete.',
  disk_failed: 'The home could not be made or opened.',
  hypervisor_failed: 'The hypervisor did not start.',
  guest_exited: 'The guest ended by itself.',
  agent_timeout: "The guest's agent did not answer in time.",
  service_timeout: 'The service in the guest was not ready in time.',
  service_failed: 'The service in the guest reported a failure.',
  cleanup_failed: 'What was left of the guest could not be cleaned up.',
  interrupted: 'The daemon was interrupted while it was working on this.',
} as const
export type FailureReason = keyof typeof FAILURE_REASONS
export const failureReasonSchema = z.enum(Object.keys(FAILURE_REASONS) as [FailureReason, ...FailureReason[]])

/** What is said of a guest may quote it, or its engine: cut and made visible. */
const words = wordsSchema(FAILURE_MESSAGE_MOST)

/** What the daemon saw, each state with only its own facts. `since` is when the state began. */
export const observedStateSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('creating'), since: timestampSchema, phase: phaseSchema }),
  z.object({
    kind: z.literal('booting'),
    since: timestampSchema,
    phase: phaseSchema,
    bootId: bootIdSchema,
    /** One start or recreate, counted from 1. */
    attempt: z.int().min(1),
  }),
  z.object({
    kind: z.literal('running'),
    since: timestampSchema,
    bootId: bootIdSchema,
    agent: z.enum(['answering', 'silent']),
  }),
  z.object({ kind: z.literal('stopping'), since: timestampSchema, bootId: bootIdSchema }),
  z.object({ kind: z.literal('stopped'), since: timestampSchema }),
  z.object({
    kind: z.literal('failed'),
    since: timestampSchema,
    reason: failureReasonSchema,
    phase: phaseSchema,
    /** One sentence with the facts of this failure. */
    detail: words,
  }),
  /** The guest was running and is positively gone, without anyone having stopped it. */
  z.object({ kind: z.literal('lost'), since: timestampSchema, detail: words }),
  /** The question failed: neither running nor gone. */
  z.object({ kind: z.literal('unknown'), since: timestampSchema, detail: words }),
])
export type ObservedState = z.infer<typeof observedStateSchema>

export const environmentSchema = z.object({
  id: environmentIdSchema,
  name: environmentNameSchema,
  owner: ownerNameSchema,
  image: imageRefSchema,
  driver: driverKindSchema,
  size: environmentSizeSchema,
  /** What someone asked for. */
  desired: z.enum(['running', 'stopped']),
  /** What the daemon last saw, which need not be the same. */
  observed: observedStateSchema,
  /** When that was last confirmed, on the host's clock. */
  observedAt: timestampSchema,
  /** Rises with each accepted mutation of guest or home. */
  generation: z.int().min(1),
  isProtected: z.boolean(),
  labels: labelsSchema,
  /** What the guest is told at every start, names only; null where nothing is. */
  startup: startupSummarySchema.nullable(),
  /**
   * Why the record of this environment cannot be relied on, as one sentence; null for all that is well. It keeps its
   * home and resources, refuses everything that would touch them, and can be destroyed.
   */
  quarantine: z.string().nullable(),
  home: z.object({
    id: homeIdSchema,
    sizeMiB: z.int(),
    /** Null: it was never made, and nothing can be in it. */
    madeAt: timestampSchema.nullable(),
    /** When it was positively found to be gone; null while nothing says so. */
    goneAt: timestampSchema.nullable(),
  }),
  /** The newest boot; null before the first. `ordinal` counts boots from 1. */
  boot: z.object({ id: bootIdSchema, ordinal: z.int().min(1), startedAt: timestampSchema }).nullable(),
  /** The operation that holds an exclusive claim now. */
  operationId: operationIdSchema.nullable(),
  createdAt: timestampSchema,
})
export type Environment = z.infer<typeof environmentSchema>
