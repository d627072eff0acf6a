import { z } from 'zod'
import { environmentIdSchema, type EnvironmentId, type RecoveryPointId } from '../../../src-shared/model/ids.ts'
import { ResticFailure } from './failure.ts'
import { jsonObjectsOf, type JsonObject } from './json-lines.ts'
import { countSchema, notUnderstood, parseValue } from './output.ts'
import type { Restic, ResticRunOptions } from './restic.ts'
import { listSnapshots, type Snapshot } from './snapshots.ts'
import { tagSchema, type Tag } from './tags.ts'
import { UnreadableFiles } from './unreadable-files.ts'

export interface BackupProgress {
  readonly filesDone: number
  readonly bytesDone: number
  /** Grow until restic has seen all there is. */
  readonly filesTotal: number
  readonly bytesTotal: number
}

export interface BackupOptions extends ResticRunOptions {
  /** What is backed up is `.` of it. Keep its path the same for an environment, or every file is read again. */
  readonly directory: string
  readonly host: EnvironmentId
  readonly tags: readonly Tag[]
  readonly onProgress?: (progress: BackupProgress) => void
}

export interface BackupResult {
  readonly pointId: RecoveryPointId
  /** As it is recorded in the repository. */
  readonly snapshot: Snapshot
  /** Files that could not be read and that the point was made without; at least 1 where restic says that it lacks any. */
  readonly unreadableCount: number
  /** The first hundred of them, as restic names them: text of the guest's choice. */
  readonly unreadable: readonly string[]
  readonly filesNew: number
  readonly filesChanged: number
  readonly filesUnmodified: number
  readonly filesProcessed: number
  readonly bytesProcessed: number
  /** Before compression. */
  readonly bytesAdded: number
  readonly durationMs: number
}

export const statusSchema = z
  .object({ total_files: countSchema, files_done: countSchema, total_bytes: countSchema, bytes_done: countSchema })
  .transform((status): BackupProgress => ({
    filesDone: status.files_done,
    bytesDone: status.bytes_done,
    filesTotal: status.total_files,
    bytesTotal: status.total_bytes,
  }))

const summarySchema = z.object({
  files_new: countSchema,
  files_changed: countSchema,
  files_unmodified: countSchema,
  data_added: countSchema,
  total_files_processed: countSchema,
  total_bytes_processed: countSchema,
  total_duration: countSchema,
  /** Of 8 digits in restic 0.14, whole in newer ones. */
  snapshot_id: z.string().regex(/^(?:[0-9a-f]{8}|[0-9a-f]{64})$/),
})
export type BackupSummary = z.infer<typeof summarySchema>

const MADE_WITHOUT_SOME = 3

/**
 * Makes a recovery point of a folder. Resolves once it is in the repository. Aborted, it rejects with the signal's
 * reason, and a point may have been made all the same: its tags tell.
 */
export async function backUp(restic: Restic, options: BackupOptions): Promise<BackupResult> {
  const { directory, host, tags, onProgress, ...run } = options
  let summary: BackupSummary | undefined
  const unreadable = new UnreadableFiles()
  const { exitCode, stderr } = await restic.run({
    verb: 'backup',
    flags: [
      '--json',
      '--host',
      environmentIdSchema.parse(host),
      ...tags.flatMap((tag) => ['--tag', tagSchema.parse(tag)]),
    ],
    operands: ['.'],
    workingDirectory: directory,
    expectedExits: [0, MADE_WITHOUT_SOME],
    onStderr: (chunk) => unreadable.see(chunk),
    readStdout: async (chunks) => {
      summary = await readBackupOutput(jsonObjectsOf(chunks), onProgress)
    },
    ...run,
  })
  if (summary === undefined) throw withoutSummary(exitCode, stderr)
  const snapshot = await snapshotOf(restic, { shortId: summary.snapshot_id, host, tags, run })
  unreadable.end()
  return resultOf(summary, { snapshot, exitCode, unreadable })
}

/** The summary of a backup's messages; it need not be the last of them, nor come only once. */
export async function readBackupOutput(
  messages: AsyncIterable<JsonObject>,
  onProgress?: (progress: BackupProgress) => void,
): Promise<BackupSummary | undefined> {
  let summary: BackupSummary | undefined
  for await (const message of messages) {
    if (message['message_type'] === 'summary') summary = parseValue('backup', message, summarySchema)
    else if (message['message_type'] === 'status') onProgress?.(parseValue('backup', message, statusSchema))
  }
  return summary
}

function withoutSummary(exitCode: number, stderr: string): ResticFailure {
  if (exitCode === MADE_WITHOUT_SOME) return new ResticFailure('unreadable_files', { verb: 'backup', exitCode, stderr })
  return notUnderstood('backup', 'it did not say which recovery point it made')
}

interface ShortId {
  readonly shortId: string
  readonly host: EnvironmentId
  readonly tags: readonly Tag[]
  readonly run: ResticRunOptions
}

async function snapshotOf(restic: Restic, { shortId, host, tags, run }: ShortId): Promise<Snapshot> {
  const { signal } = run
  const points = await listSnapshots(restic, { host, tags, ...(signal === undefined ? {} : { signal }) })
  const [found, another] = points.filter(({ id }) => id.startsWith(shortId))
  if (found !== undefined && another === undefined) return found
  throw notUnderstood('backup', `the recovery point that it made, ${shortId}, is not found by its id`)
}

function resultOf(
  summary: BackupSummary,
  facts: { readonly snapshot: Snapshot; readonly exitCode: number; readonly unreadable: UnreadableFiles },
): BackupResult {
  return {
    pointId: facts.snapshot.id,
    snapshot: facts.snapshot,
    unreadableCount: Math.max(facts.unreadable.count, facts.exitCode === 0 ? 0 : 1),
    unreadable: facts.unreadable.names,
    filesNew: summary.files_new,
    filesChanged: summary.files_changed,
    filesUnmodified: summary.files_unmodified,
    filesProcessed: summary.total_files_processed,
    bytesProcessed: summary.total_bytes_processed,
    bytesAdded: summary.data_added,
    durationMs: Math.round(summary.total_duration * 1000),
  }
}
