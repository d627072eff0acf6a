import { hostname } from 'node:os'
import { z } from 'zod'
import { plainText, strictText } from '../../src-shared/lib/strict-text.ts'
import { hostNameSchema, ownerNameSchema } from '../../src-shared/model/ids.ts'
import { ownerLimitSchema } from '../../src-shared/model/owner.ts'
import { absolutePathSchema, setting, wholeNumber } from './setting.ts'
import { backupsSchema } from './settings-backups.ts'
import { deadlinesSchema, limitsSchema } from './settings-bounds.ts'

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

function roleGroup(role: string) {
  return setting({
    schema: groupSchema,
    default: `pilothouse-${role}`,
    unit: null,
    description: `Group whose members may connect to \`${role}.sock\`: a name, a number, or null for the daemon's own user alone.`,
  })
}

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
