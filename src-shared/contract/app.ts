import { eventIterator, oc } from '@orpc/contract'
import { z } from 'zod'
import { activityHeadSchema, activityVerdictSchema } from '../model/activity.ts'
import { backupStatusSchema } from '../model/backup.ts'
import { environmentSchema, timestampSchema } from '../model/environment.ts'
import { hostSchema, hostTargetSchema } from '../model/host.ts'
import { environmentIdSchema, hostIdSchema, hostNameSchema } from '../model/ids.ts'
import { operationSchema } from '../model/operation.ts'
import { call } from './call.ts'
import { consoleTargetSchema } from './console-stream.ts'
import { daemonContract } from './daemon.ts'

/** What main last heard from one host. It stays while the host is unreachable, and ages. */
export const hostStateSchema = z.object({
  hostId: hostIdSchema,
  environments: z.array(environmentSchema),
  operations: z.array(operationSchema),
  /**
   * How well each environment was protected when the host last said so; an environment may have none yet. Its
   * freshness is of `observedAt` on the host's clock: of a host that is unreachable it is shown with its age, not as now.
   */
  backups: z.array(backupStatusSchema),
  /** Console clock: when this state was last confirmed by the host; null when nothing was ever heard. */
  confirmedAt: timestampSchema.nullable(),
  /** The end of the host's activity chain as last told; null when it was never told. */
  activityHead: activityHeadSchema.nullable(),
})
export type HostState = z.infer<typeof hostStateSchema>

const inHost = { hostId: hostIdSchema }

/** The fleet as main knows it: the whole first, then every change. */
export const fleetEventSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), hosts: z.array(hostSchema), states: z.array(hostStateSchema) }),
  z.object({ type: z.literal('host_changed'), host: hostSchema }),
  z.object({ type: z.literal('host_removed'), ...inHost }),
  /** The host's whole state was read again, after a reset or a reconnect. */
  z.object({ type: z.literal('state_replaced'), state: hostStateSchema }),
  z.object({
    type: z.literal('state_confirmed'),
    ...inHost,
    confirmedAt: timestampSchema,
    activityHead: activityHeadSchema.nullable(),
  }),
  z.object({
    type: z.literal('environment_changed'),
    ...inHost,
    environment: environmentSchema,
    /** Console clock: when the host said so. */
    confirmedAt: timestampSchema,
  }),
  /** Its backup status goes with it. */
  z.object({ type: z.literal('environment_removed'), ...inHost, environmentId: environmentIdSchema }),
  z.object({ type: z.literal('operation_changed'), ...inHost, operation: operationSchema }),
  z.object({ type: z.literal('backup_changed'), ...inHost, backup: backupStatusSchema }),
])
export type FleetEvent = z.infer<typeof fleetEventSchema>

const hosts = {
  list: call({
    summary: 'The hosts that this console knows, with their connection.',
    role: 'viewer',
    effect: 'read',
    input: z.object({}).default({}),
    output: z.array(hostSchema),
  }),
  add: call({
    summary: 'Remember a host and connect to it.',
    role: 'viewer',
    effect: 'write',
    input: z.object({ name: hostNameSchema, target: hostTargetSchema }),
    output: hostSchema,
    errors: ['name_taken'],
  }),
  remove: call({
    summary:
      'Forget a host, its pinned key and what was cached of it. Nothing happens on the host; the pinned heads of its activity record are kept for its key.',
    role: 'viewer',
    effect: 'write',
    input: z.object(inHost),
    output: z.object({}),
  }),
  connect: call({
    summary: 'Connect now instead of at the next attempt.',
    role: 'viewer',
    effect: 'write',
    input: z.object(inHost),
    output: hostSchema,
  }),
  disconnect: call({
    summary: 'Close the connection and stop trying.',
    role: 'viewer',
    effect: 'write',
    input: z.object(inHost),
    output: hostSchema,
  }),
  acceptKey: call({
    summary: 'Pin the key shown at first contact; only that very key is accepted.',
    role: 'viewer',
    effect: 'write',
    input: z.object({ ...inHost, fingerprint: z.string().max(128) }),
    output: hostSchema,
    errors: ['host_key_changed'],
  }),
}

const app = {
  info: call({
    summary: 'What this console is.',
    role: 'viewer',
    effect: 'read',
    input: z.object({}).default({}),
    output: z.object({
      version: z.string(),
      shell: z.enum(['electron', 'web', 'cli']),
      /** What this console will say of itself to hosts. */
      claimedActor: z.string(),
      now: timestampSchema,
    }),
  }),
}

const fleet = {
  watch: call({
    summary: 'Hosts, environments and operations of the whole fleet, then every change.',
    role: 'viewer',
    effect: 'read',
    input: z.object({}).default({}),
    output: eventIterator(fleetEventSchema),
    deadlineMs: null,
  }),
}

const activity = {
  heads: call({
    summary: "The ends of a host's activity chain that this console has seen, newest first.",
    role: 'viewer',
    effect: 'read',
    input: z.object(inHost),
    output: z.array(z.object({ head: activityHeadSchema, seenAt: timestampSchema })),
  }),
  verify: call({
    summary: "Read a host's whole activity chain and hold it against every head that this console has pinned.",
    role: 'viewer',
    effect: 'read',
    input: z.object(inHost),
    output: activityVerdictSchema,
    deadlineMs: 120_000,
  }),
}

/**
 * What the renderer may ask of main. `host` is the daemon's own contract, passed through to the host that the
 * call's context names (`hostId`), with the same errors.
 */
export const appContract = oc.router({ app, hosts, fleet, activity, host: daemonContract })
export type AppContract = typeof appContract

/** The path of the app contract's channel on the bridge. */
export const BRIDGE_RPC_PATH = '/rpc'

/** The query of the console stream on the bridge: the daemon's own, and the host that it is for. */
export const bridgeConsoleTargetSchema = consoleTargetSchema.extend({ host: hostIdSchema })
