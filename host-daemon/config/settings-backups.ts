import { z } from 'zod'
import { plainText } from '../../src-shared/lib/strict-text.ts'
import { backupPolicySchema, retentionSchema } from '../../src-shared/model/backup.ts'
import { repositoryLocationSchema } from '../../src-shared/model/repository.ts'
import { absolutePathSchema, deadline, setting, wholeNumber } from './setting.ts'

const bandwidth = (description: string) =>
  setting({
    schema: wholeNumber(1, 10_000_000).nullable(),
    default: null,
    unit: 'KiB/s',
    description: `${description} At least 1 KiB/s each. Null: not limited.`,
  })

const wordSchema = plainText(1024).refine((word) => word.length > 0 && !/['"\\]/.test(word), {
  error: 'must not be empty, and must not contain quotes or backslashes',
})

/** A rule that is not known is refused: left out in silence, it would keep fewer points than was meant. */
const keepSchema = z.strictObject(retentionSchema.shape).pipe(retentionSchema)

/** Where recovery points are, what opens them, and how often they are made, checked and thinned out. */
export const backupsSchema = z
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
    sftpKeyFile: setting({
      schema: absolutePathSchema.nullable(),
      default: null,
      unit: null,
      defaultText: "the keys of ssh's own configuration",
      description: 'Private key, without a passphrase, for `sftp:` repositories; no other is offered then.',
    }),
    sftpKnownHostsFile: setting({
      schema: absolutePathSchema.nullable(),
      default: null,
      unit: null,
      defaultText: "the known hosts of ssh's own configuration",
      description: 'Known hosts for `sftp:` repositories; no others count then. Nobody is ever asked about a key.',
    }),
    restCredentialsFile: setting({
      schema: absolutePathSchema.nullable(),
      default: null,
      unit: null,
      description: 'File with one line, `user:password`, for `rest:` repositories, readable by the daemon alone.',
    }),
    s3CredentialsFile: setting({
      schema: absolutePathSchema.nullable(),
      default: null,
      unit: null,
      description: 'AWS credentials file for `s3:` repositories, readable by the daemon alone.',
    }),
    intervalMinutes: setting({
      schema: backupPolicySchema.shape.intervalMinutes,
      default: 60,
      unit: 'minutes',
      description: 'From one scheduled backup of an environment to the next; null: none is scheduled.',
    }),
    keep: setting({
      schema: keepSchema,
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
      description:
        'Most backups, checks, prunes and drills that run at once; others wait their turn. Restores never wait.',
    }),
    uploadKiBps: bandwidth(
      'Most that this host sends to its repositories: each of the `maxConcurrent` that may run at once has an equal share of it, also while it runs alone.',
    ),
    downloadKiBps: bandwidth(
      'Most that this host receives from its repositories: each of the `maxConcurrent` that may run at once, and one restore, clone or fetching of files beside them, has an equal share of it, also while it runs alone. Nobody waits to restore: each further one at the same time has such a share on top.',
    ),
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
