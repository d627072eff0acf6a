import type { RecoverySettings } from '../backups/recovery-toolkit.ts'
import { capabilitiesOf, type DaemonOptions } from '../daemon-options.ts'
import type { Settings } from './settings.ts'

export interface HostFacts {
  readonly version: string
  readonly hasBoundedConsoles: boolean
}

/** What the settings say, and what the host turned out to be, in the words of the daemon's inside. */
export function daemonOptionsOf(settings: Settings, host: HostFacts): DaemonOptions {
  const { limits, deadlines } = settings
  return {
    version: host.version,
    capabilities: capabilitiesOf(host),
    hostName: settings.hostName,
    owners: settings.owners,
    guestUidBase: settings.guestUidBase,
    guestUidCount: settings.guestUidCount,
    sizeLimit: { cpus: limits.cpus, memoryMiB: limits.memoryMiB, homeMiB: limits.homeMiB },
    capacity: {
      environments: limits.maxEnvironments,
      memoryMiB: limits.totalMemoryMiB,
      homeMiB: limits.totalHomeMiB,
    },
    deadlines: {
      homeMs: deadlines.homeMs,
      startMs: deadlines.spawnReadyMs,
      stopGraceMs: deadlines.stopGraceMs,
      stopForceMs: deadlines.stopForceMs,
      queueMs: deadlines.startQueueMs,
    },
    undoDeadlineMs: deadlines.undoMs,
    letGoMs: deadlines.letGoMs,
    staleAfterMs: deadlines.guestStaleMs,
    ticketLifetimeMs: deadlines.ticketMs,
    maxConcurrentStarts: settings.maxConcurrentStarts,
    maxStartAttempts: settings.maxStartAttempts,
    maxConcurrentInspections: settings.maxConcurrentInspections,
    automaticRecovery: settings.automaticRecovery,
    observeIntervalMs: settings.reconcileIntervalMs,
    heartbeatMs: settings.heartbeatMs,
    eventRingSize: settings.eventBufferSize,
    keepOperationsMs: settings.keepOperationsMs,
    recovery: recoveryOf(settings),
  }
}

const HOUR_MS = 3_600_000
const LOOK_EVERY_MS = 15_000

function recoveryOf({ backups }: Settings): RecoverySettings {
  const { intervalMinutes, keep, freshnessMinutes, drillIntervalHours, checkIntervalHours, pruneIntervalHours } =
    backups
  return {
    policy: { intervalMinutes, keep, freshnessMinutes, drillIntervalHours },
    checkIntervalMs: checkIntervalHours === null ? null : checkIntervalHours * HOUR_MS,
    checkParts: backups.checkParts,
    pruneIntervalMs: pruneIntervalHours === null ? null : pruneIntervalHours * HOUR_MS,
    maxConcurrent: backups.maxConcurrent,
    undoMs: backups.undoHours * HOUR_MS,
    countingMs: backups.countingMs,
    tickMs: LOOK_EVERY_MS,
  }
}
