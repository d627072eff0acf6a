import { hostname } from 'node:os'
import { z } from 'zod'
import { plainText, strictText } from '../../src-shared/lib/strict-text.ts'
import { SIZE_LIMITS } from '../../src-shared/model/environment.ts'
import { backupPolicySchema, retentionSchema } from '../../src-shared/model/backup.ts'
import { hostNameSchema, ownerNameSchema } from '../../src-shared/model/ids.ts'
import { ownerLimitSchema } from '../../src-shared/model/owner.ts'
import { repositoryLocationSchema } from '../../src-shared/model/repository.ts'

/** What the reference says of a setting beside its schema. */
export interface SettingNote {
  readonly description: string
  /** Unit of the value, or null where it has none. */
  readonly unit: string | null
  /** How the reference writes the default where it depends on the host. */
  readonly defaultText?: string
}

/** Notes by schema: where the reference finds them. */
export const settingNotes = z.registry<SettingNote>()

interface SettingSpec<T extends z.ZodType> extends SettingNote {
  readonly schema: T
  readonly default: z.output<T> & z.core.util.NoUndefined<z.output<T>>
}

function setting<T extends z.ZodType>(spec: SettingSpec<T>) {
  const { schema: bare, default: value, ...note } = spec
  const schema = bare.default(value)
  settingNotes.add(schema, note)
  return schema
}

const absolutePathSchema = strictText(
  /^\/(?:[A-Za-z0-9_@%+=:,.-]+\/?)*$/,
  'must be an absolute path of letters, digits and _ @ % + = : , . -',
).refine((path) => !path.split('/').includes('..'), 'must not contain ..')

const LARGEST_GID = 4_294_967_294
const GROUP_SAYS = 'must be a group name, a numeric group id, or null for the owner of the daemon alone'
const groupSchema = z
  .union(
    [
      z.int(GROUP_SAYS).min(0, GROUP_SAYS).max(LARGEST_GID, GROUP_SAYS).transform(String),
      strictText(/^[a-z_0-9][a-z0-9_.-]{0,31}$/i, GROUP_SAYS),
      z.null(),
    ],
    { error: GROUP_SAYS },
  )
  .refine((group) => group === null || !/^[0-9]+$/.test(group) || Number(group) <= LARGEST_GID, GROUP_SAYS)

function wholeNumber(min: number, max: number) {
  const says = `must be a whole number from ${min} to ${max}`
  return z.int(says).min(min, says).max(max, says)
}

function sizeLimit(size: keyof typeof SIZE_LIMITS, what: string, unit: string | null) {
  const { min, max } = SIZE_LIMITS[size]
  return setting({
    schema: wholeNumber(min, max),
    default: max,
    unit,
    description: `Most ${what} that one environment may have; more is \`host_limit_reached\`.`,
  })
}

function deadline(defaultMs: number, description: string) {
  return setting({ schema: wholeNumber(100, 86_400_000), default: defaultMs, unit: 'ms', description })
}

function roleGroup(role: string) {
  return setting({
    schema: groupSchema,
    default: `pilothouse-${role}`,
    unit: null,
    description: `Group whose members may connect to \`${role}.sock\`: a name, a number, or null for the daemon's own user alone.`,
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

const limitsSchema = z.strictObject({
  cpus: sizeLimit('cpus', 'CPUs', null),
  memoryMiB: sizeLimit('memoryMiB', 'memory', 'MiB'),
  homeMiB: sizeLimit('homeMiB', 'home', 'MiB'),
  maxEnvironments: setting({
    schema: wholeNumber(1, 100_000),
    default: 200,
    unit: 'environments',
    description: 'Most environments on this host; one more is `host_limit_reached`.',
  }),
  totalMemoryMiB: total('memory of all environments together', 67_108_864),
  totalHomeMiB: total('homes of all environments together', 1_073_741_824),
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

const deadlinesSchema = z.strictObject({
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

const bandwidth = (way: string) =>
  setting({
    schema: wholeNumber(1, 10_000_000).nullable(),
    default: null,
    unit: 'KiB/s',
    description: `Most that one backup or restore ${way} at once; null: not limited.`,
  })

const wordSchema = plainText(1024).refine((word) => word.length > 0 && !/['"\\\\]/.test(word), {
  error: 'must not be empty, and must not contain quotes or backslashes',
})

const backupsSchema = z
  .strictObject({
    base: setting({
      schema: repositoryLocationSchema.nullable(),
      default: null,
      unit: null,
      defaultText: '`repositories` in the state folder, which is lost with this host',
      description:
        'Where recovery points are kept: an absolute path, `sftp:user@host:/path`, `rest:https://host:port/path/` or `s3:https://host/bucket/path`, without a password. Each environment has a repository of its own below it.',
    }),
    isShared: setting({
      schema: z.boolean({ error: 'must be true or false' }),
      default: false,
      unit: null,
      description: 'All environments share the one repository at `base`; checks and retention then hold each other up.',
    }),
    passwordFile: setting({
      schema: absolutePathSchema.nullable(),
      default: null,
      unit: null,
      defaultText: 'a file in the state folder, made with a random password at the first backup',
      description: 'File with the password of the repositories, readable by the daemon alone. Keep a copy elsewhere.',
    }),
    passwordCommand: setting({
      schema: z.array(wordSchema).min(1).max(64).nullable(),
      default: null,
      unit: null,
      description: 'Program and arguments that print the password, instead of a file.',
    }),
    s3CredentialsFile: setting({
      schema: absolutePathSchema.nullable(),
      default: null,
      unit: null,
      description: 'AWS credentials file for `s3:` repositories.',
    }),
    intervalMinutes: setting({
      schema: backupPolicySchema.shape.intervalMinutes,
      default: 60,
      unit: 'minutes',
      description: 'From one scheduled backup of an environment to the next; null: none is scheduled.',
    }),
    keep: setting({
      schema: retentionSchema,
      default: { last: 3, hourly: 24, daily: 7, weekly: 5, monthly: 12 },
      unit: 'points',
      description: 'Which recovery points stay: those that any of the rules keeps.',
    }),
    freshnessMinutes: setting({
      schema: backupPolicySchema.shape.freshnessMinutes,
      default: null,
      unit: 'minutes',
      description:
        'A newest point older than this is stale. Null: the interval and max(15 min, 25 %) on top, or a day where none is scheduled.',
    }),
    drillIntervalHours: setting({
      schema: backupPolicySchema.shape.drillIntervalHours,
      default: null,
      unit: 'hours',
      description: 'From one scheduled drill of the newest point to the next; null: none is scheduled.',
    }),
    checkIntervalHours: setting({
      schema: wholeNumber(1, 8_760).nullable(),
      default: 168,
      unit: 'hours',
      description: 'From one scheduled check of a repository to the next; null: none is scheduled.',
    }),
    checkParts: setting({
      schema: wholeNumber(1, 256),
      default: 10,
      unit: 'parts',
      description: 'Each scheduled check reads one of so many parts of the data, and over as many checks all of it.',
    }),
    pruneIntervalHours: setting({
      schema: wholeNumber(1, 8_760).nullable(),
      default: 24,
      unit: 'hours',
      description: 'How often retention is applied; null: only when it is asked for.',
    }),
    maxConcurrent: setting({
      schema: wholeNumber(1, 64),
      default: 2,
      unit: 'operations',
      description: 'Most backups, checks and drills that run at once; others wait their turn. Restores never wait.',
    }),
    uploadKiBps: bandwidth('sends'),
    downloadKiBps: bandwidth('receives'),
    undoHours: setting({
      schema: wholeNumber(1, 8_760),
      default: 72,
      unit: 'hours',
      description: 'How long the home that a restore replaced is kept for undo; its space is freed afterwards.',
    }),
    countingMs: deadline(15_000, 'To count what a restore would lose; after it the plan says that it was not counted.'),
    idleMs: deadline(600_000, 'A backup or restore that moves nothing for this long is stopped.'),
  })
  .refine(({ passwordFile, passwordCommand }) => passwordFile === null || passwordCommand === null, {
    error: 'passwordFile and passwordCommand: give one of them, not both',
  })

const ownerEntrySchema = z.strictObject({
  name: ownerNameSchema,
  note: plainText(500).default(''),
  limit: ownerLimitSchema.default(1),
})

/** Every setting of the daemon: the one place that names them, their units, bounds and defaults. */
export const settingsSchema = z.strictObject({
  stateDirectory: setting({
    schema: absolutePathSchema,
    default: '/var/lib/pilothouse',
    unit: null,
    description: 'Database, homes, images and console journals.',
  }),
  socketDirectory: setting({
    // A unix socket's path holds at most 107 bytes, the socket's own name included.
    schema: absolutePathSchema.refine((path) => path.length <= 80, 'must be at most 80 characters'),
    default: '/run/pilothouse',
    unit: null,
    description: 'The three role sockets and `sockets.json`.',
  }),
  hostName: setting({
    schema: hostNameSchema,
    default: hostNameSchema.catch('localhost' as z.output<typeof hostNameSchema>).parse(hostname().toLowerCase()),
    defaultText: 'the host name of the system',
    unit: null,
    description: 'What the host calls itself.',
  }),
  roleGroups: z
    .strictObject({ viewer: roleGroup('viewer'), operator: roleGroup('operator'), admin: roleGroup('admin') })
    .prefault({}),
  logLevel: setting({
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
    default: 'info',
    unit: null,
    description: 'Least severe lines that are logged.',
  }),
  logFile: setting({
    schema: absolutePathSchema.nullable(),
    default: null,
    unit: null,
    description: 'File that log lines are appended to (opened again on SIGHUP); null for standard error.',
  }),
  accelerator: setting({
    schema: z.enum(['auto', 'kvm', 'tcg']),
    default: 'auto',
    unit: null,
    description: 'How qemu guests run: `auto` takes KVM where a probe has really booted a guest with it, else TCG.',
  }),
  limits: limitsSchema.prefault({}),
  deadlines: deadlinesSchema.prefault({}),
  backups: backupsSchema.prefault({}),
  guestUidBase: setting({
    schema: wholeNumber(1000, 4_000_000_000),
    default: 200_000,
    unit: 'uid',
    description: "First of the host's user ids that guests run as, one for each environment; nobody else may use them.",
  }),
  guestUidCount: setting({
    schema: wholeNumber(1, 1_000_000),
    default: 60_000,
    unit: 'uids',
    description: 'How many user ids from `guestUidBase` on are for guests.',
  }),
  consoleSpaceMiB: setting({
    schema: wholeNumber(16, 1_048_576),
    default: 512,
    unit: 'MiB',
    description:
      'The bounded space of all console journals. A change takes effect at a start at which no guest writes to it.',
  }),
  consoleBytesPerBoot: setting({
    schema: wholeNumber(65_536, Number.MAX_SAFE_INTEGER),
    default: 134_217_728,
    unit: 'bytes',
    description: 'Most console bytes kept of one boot; the oldest give way and leave an explicit gap.',
  }),
  maxConcurrentStarts: setting({
    schema: wholeNumber(1, 64),
    default: 2,
    unit: 'guests',
    description: 'Most guests that are being started at once; others wait their turn.',
  }),
  maxStartAttempts: setting({
    schema: wholeNumber(1, 10),
    default: 1,
    unit: 'attempts',
    description: 'How often one operation starts a guest before it fails.',
  }),
  maxConcurrentInspections: setting({
    schema: wholeNumber(1, 64),
    default: 8,
    unit: 'guests',
    description: 'Most guests that are looked at at once.',
  }),
  owners: setting({
    schema: z.array(ownerEntrySchema).max(1000),
    default: [],
    unit: null,
    description:
      'Owners made at start where they do not exist yet: `name`, `limit` (a number or `"unlimited"`, default 1), `note`. Those that exist are left as they are.',
  }),
  eventBufferSize: setting({
    schema: wholeNumber(16, 1_000_000),
    default: 4096,
    unit: 'events',
    description: 'Events kept for subscribers that resume; who is further behind is told to read the state again.',
  }),
  heartbeatMs: setting({
    schema: wholeNumber(100, 60_000),
    default: 5_000,
    unit: 'ms',
    description: 'How often a subscriber is told that nothing has changed.',
  }),
  keepOperationsMs: setting({
    schema: wholeNumber(86_400_000, 31_536_000_000),
    default: 2_592_000_000,
    unit: 'ms',
    description: 'How long ended operations and their command ids are kept; at least a day.',
  }),
  automaticRecovery: setting({
    schema: z.boolean({ error: 'must be true or false' }),
    default: false,
    unit: null,
    description: 'Whether failed and lost environments are recovered by the daemon itself, once per failure.',
  }),
  reconcileIntervalMs: setting({
    schema: wholeNumber(100, 3_600_000),
    default: 1_500,
    unit: 'ms',
    description: 'How often every guest is looked at.',
  }),
})
export type Settings = z.output<typeof settingsSchema>
