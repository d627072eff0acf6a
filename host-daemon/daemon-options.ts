import { SIZE_LIMITS, type EnvironmentSize } from '../src-shared/model/environment.ts'
import type { OwnerName } from '../src-shared/model/ids.ts'
import type { OwnerLimit } from '../src-shared/model/owner.ts'
import type { EnvironmentDeadlines } from './environments/toolkit.ts'
import { TICKET_LIFETIME_MS } from './environments/tickets.ts'
import type { RecoverySettings } from './backups/recovery-toolkit.ts'
import type { HostCapacity } from './store/environments-table.ts'

/** How the daemon behaves; everything in it is a setting. */
export interface DaemonOptions {
  readonly hostName: string
  readonly version: string
  /** What a console can count on, beside the protocol. */
  readonly capabilities: readonly string[]
  /** Guests run under uids `[guestUidBase, guestUidBase + guestUidCount)`. */
  readonly guestUidBase: number
  readonly guestUidCount: number
  /** Made at start where they do not exist; never changed where they do. */
  readonly owners: readonly { readonly name: OwnerName; readonly limit: OwnerLimit; readonly note: string }[]
  /** The largest environment. */
  readonly sizeLimit: EnvironmentSize
  readonly capacity: HostCapacity
  readonly deadlines: EnvironmentDeadlines
  /** Bounds each undo of a step. */
  readonly undoDeadlineMs: number
  /** How long steps may take to let go when they are cancelled or the daemon ends. */
  readonly letGoMs: number
  /** Guests that start at the same time; the others wait for their turn. */
  readonly maxConcurrentStarts: number
  /** Starts of one operation before it fails. */
  readonly maxStartAttempts: number
  /** Failed and lost environments are brought back by the daemon itself, once per failure. */
  readonly automaticRecovery: boolean
  readonly observeIntervalMs: number
  readonly maxConcurrentInspections: number
  /** Without an answer for so long, a guest's state is `unknown`. */
  readonly staleAfterMs: number
  readonly heartbeatMs: number
  /** Events that a resuming subscriber can still be given. */
  readonly eventRingSize: number
  /** At most five minutes. */
  readonly ticketLifetimeMs: number
  /** How long ended operations, their journals and idempotency keys are kept; at least a day. */
  readonly keepOperationsMs: number
  readonly recovery: RecoverySettings
}

const HOUR_MS = 60 * 60 * 1000
const DAY_MS = 24 * HOUR_MS
/** Idempotency keys are kept at least this long. */
export const LEAST_KEEP_MS = DAY_MS

export const DEFAULT_DEADLINES: EnvironmentDeadlines = {
  homeMs: 60_000,
  startMs: 120_000,
  stopGraceMs: 20_000,
  stopForceMs: 10_000,
  queueMs: 60 * 60 * 1000,
}

export const DEFAULT_RECOVERY: RecoverySettings = {
  policy: {
    intervalMinutes: 60,
    keep: { last: 3, hourly: 24, daily: 7, weekly: 5, monthly: 12 },
    freshnessMinutes: null,
    drillIntervalHours: null,
  },
  checkIntervalMs: 7 * DAY_MS,
  checkParts: 10,
  pruneIntervalMs: DAY_MS,
  maxConcurrent: 2,
  undoMs: 3 * DAY_MS,
  countingMs: 15_000,
  tickMs: 15_000,
}

/** What every daemon of this version can do. */
const CAPABILITIES = [
  'environments',
  'operations',
  'events',
  'consoles',
  'lifecycle',
  'activity-chain',
  'backups',
] as const
/** The console space has a bound of its own: no guest can fill the host's disk by way of its console. */
export const BOUNDED_CONSOLES = 'bounded-consoles'

/** What this daemon can do on this host. */
export function capabilitiesOf(host: { readonly hasBoundedConsoles: boolean }): readonly string[] {
  return host.hasBoundedConsoles ? [...CAPABILITIES, BOUNDED_CONSOLES] : CAPABILITIES
}

/** What a host does where nothing else is set. */
export const DEFAULT_DAEMON_OPTIONS = {
  capabilities: CAPABILITIES,
  guestUidCount: 60_000,
  owners: [],
  sizeLimit: {
    cpus: SIZE_LIMITS.cpus.max,
    memoryMiB: SIZE_LIMITS.memoryMiB.max,
    homeMiB: SIZE_LIMITS.homeMiB.max,
  },
  capacity: { environments: null, memoryMiB: null, homeMiB: null },
  deadlines: DEFAULT_DEADLINES,
  undoDeadlineMs: 60_000,
  letGoMs: 5_000,
  maxConcurrentStarts: 2,
  maxStartAttempts: 1,
  automaticRecovery: false,
  observeIntervalMs: 1_500,
  maxConcurrentInspections: 8,
  staleAfterMs: 15_000,
  heartbeatMs: 5_000,
  eventRingSize: 4_096,
  ticketLifetimeMs: TICKET_LIFETIME_MS,
  keepOperationsMs: 30 * DAY_MS,
  recovery: DEFAULT_RECOVERY,
} as const satisfies Partial<DaemonOptions>

/** What only the host knows; the rest has defaults. */
export type DaemonOptionsInput = Pick<DaemonOptions, 'hostName' | 'version' | 'guestUidBase'> & Partial<DaemonOptions>
