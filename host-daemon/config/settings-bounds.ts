import { z } from 'zod'
import { SIZE_LIMITS } from '../../src-shared/model/environment.ts'
import { deadline, setting, wholeNumber } from './setting.ts'

function sizeLimit(size: keyof typeof SIZE_LIMITS, what: string, unit: string | null) {
  const { min, max } = SIZE_LIMITS[size]
  return setting({
    schema: wholeNumber(min, max),
    default: max,
    unit,
    description: `Most ${what} that one environment may have; more is \`host_limit_reached\`.`,
  })
}

function total(what: string, max: number) {
  return setting({
    schema: wholeNumber(1, max).nullable(),
    default: null,
    unit: 'MiB',
    description: `Most ${what}; more is \`host_limit_reached\`. Null: not limited.`,
  })
}

/** How much there may be. */
export const limitsSchema = z.strictObject({
  cpus: sizeLimit('cpus', 'CPUs', null),
  memoryMiB: sizeLimit('memoryMiB', 'memory', 'MiB'),
  homeMiB: sizeLimit('homeMiB', 'home', 'MiB'),
  maxEnvironments: setting({
    schema: wholeNumber(1, 100_000),
    default: 200,
    unit: 'environments',
    description: 'Most environments on this host; one more is `host_limit_reached`.',
  }),
  totalMemoryMiB: total('memory of all environments and drills together', 67_108_864),
  totalHomeMiB: total(
    'homes of all environments together, at their full size; homes kept for undo or review, and those of drills, come on top',
    1_073_741_824,
  ),
  maxConnections: setting({
    schema: wholeNumber(1, 10_000),
    default: 256,
    unit: 'connections',
    description: 'Most connections to one role socket at once; one more is refused.',
  }),
  maxCallsPerConnection: setting({
    schema: wholeNumber(1, 100_000),
    default: 1024,
    unit: 'calls',
    description: 'Most calls of one connection under way at once, subscriptions included; one more is refused.',
  }),
})

/** How long things may take. */
export const deadlinesSchema = z.strictObject({
  spawnReadyMs: deadline(120_000, 'From the start of a guest until its agent answers.'),
  stopGraceMs: deadline(20_000, 'How long a guest may take to power off by itself before it is stopped by force.'),
  stopForceMs: deadline(5_000, 'How long the forced end of a guest may take until its process is positively gone.'),
  homeMs: deadline(60_000, 'To make, look at or remove a home.'),
  startQueueMs: deadline(3_600_000, 'How long a start may wait for its turn.'),
  undoMs: deadline(60_000, 'To undo one step of an operation.'),
  letGoMs: deadline(5_000, 'How long a step may take to let go when it is cancelled.'),
  guestStaleMs: deadline(15_000, 'A guest that could not be asked for this long is `unknown`.'),
  ticketMs: setting({
    schema: wholeNumber(1_000, 300_000),
    default: 300_000,
    unit: 'ms',
    description: 'How long a ticket to run a plan is good for.',
  }),
  shutdownMs: deadline(10_000, 'How long the daemon waits, when it is told to end, for what it has in hand.'),
  peerSilentMs: deadline(60_000, 'A connection whose peer does not answer a ping for this long is closed.'),
})
