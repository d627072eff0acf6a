import { z } from 'zod'
import { environmentIdSchema, recoveryPointIdSchema, type EnvironmentId } from '../../../src-shared/model/ids.ts'
import { ResticFailure } from './failure.ts'
import { countSchema, parseDocument, timeSchema } from './output.ts'
import { SHORT, type Restic, type ResticRunOptions } from './restic.ts'
import { tagSchema, type Tag } from './tags.ts'

/** What a repository may hold that others made: hosts, tags and paths are anybody's text. */
export const snapshotSchema = z
  .object({
    id: recoveryPointIdSchema,
    time: timeSchema,
    hostname: z.string(),
    paths: z.array(z.string()),
    tags: z.array(z.string()).nullish(),
    parent: z.string().nullish(),
    tree: z.string(),
    program_version: z.string().optional(),
    summary: z.object({ total_files_processed: countSchema, total_bytes_processed: countSchema }).optional(),
  })
  .transform(({ time, hostname, tags, parent, program_version, summary, ...rest }) => ({
    ...rest,
    takenAtMs: time,
    host: hostname,
    tags: tags ?? [],
    parent: parent ?? undefined,
    /** Told since restic 0.16. */
    madeBy: program_version,
    /** Told since restic 0.17. */
    totals:
      summary === undefined
        ? undefined
        : { files: summary.total_files_processed, bytes: summary.total_bytes_processed },
  }))
export type Snapshot = z.output<typeof snapshotSchema>

const UNREAD = /could not load snapshot|load <?snapshot\//i

export interface SnapshotFilter {
  readonly host?: EnvironmentId
  /** Those that carry all of them. */
  readonly tags?: readonly Tag[]
  /** Those of exactly this path. */
  readonly path?: string
}

/**
 * The snapshots that the filter lets through, oldest first, with full ids. All or nothing: when one of them cannot be
 * read, it rejects. Takes no lock, so that it works on a repository that is full, locked or read-only; of one that is
 * being forgotten meanwhile it may tell or not.
 */
export async function listSnapshots(
  restic: Restic,
  { host, tags = [], path, ...options }: SnapshotFilter & ResticRunOptions = {},
): Promise<Snapshot[]> {
  const flags = [
    ...['--json', '--no-lock'],
    ...(host === undefined ? [] : ['--host', environmentIdSchema.parse(host)]),
    ...(tags.length === 0 ? [] : ['--tag', tags.map((tag) => tagSchema.parse(tag)).join(',')]),
    ...(path === undefined ? [] : ['--path', path]),
  ]
  const { stdout, stderr } = await restic.run({ verb: 'snapshots', flags, deadlines: SHORT, ...options })
  requireAllRead(stderr)
  return parseSnapshots(stdout.toString('utf8'))
}

/** restic passes over a record that it cannot read, says so on stderr, and succeeds. */
export function requireAllRead(stderr: string): void {
  if (!UNREAD.test(stderr)) return
  const says = 'the record of a recovery point in the repository is damaged'
  throw new ResticFailure('corrupted', { verb: 'snapshots', says, stderr })
}

export function parseSnapshots(text: string): Snapshot[] {
  const snapshots = parseDocument('snapshots', text, z.array(snapshotSchema).nullable()) ?? []
  return snapshots.toSorted((one, other) => one.takenAtMs - other.takenAtMs)
}
