import { z } from 'zod'
import { recoveryPointIdSchema, type RecoveryPointId } from '../../../src-shared/model/ids.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import { namesIn } from '../../system/folders.ts'
import { ownFactsOf } from '../../system/presence.ts'
import { processTransfer, type ProcessIdentity } from '../../system/processes.ts'
import { countTree } from './count-tree.ts'
import { ResticFailure } from './failure.ts'
import { jsonObjectsOf } from './json-lines.ts'
import { countSchema } from './output.ts'
import type { Restic, ResticRunOptions } from './restic.ts'
import { sizeOfPoint, type PointSize } from './stats.ts'

export interface RestoreProgress {
  /** At most `bytesTotal`; with restic before 0.16 an estimate from what it wrote. */
  readonly bytesDone: number
  readonly bytesTotal: number
}

export interface RestoreOptions extends ResticRunOptions {
  readonly point: RecoveryPointId
  /** A folder that exists and is empty, wholly: not even `lost+found`. An absolute path. */
  readonly target: string
  readonly onProgress?: (progress: RestoreProgress) => void
  /** Reads past any lock: only where the lock is known to be nobody's, since what is pruned meanwhile is missing. */
  readonly isLockless?: boolean
}

export interface TreeRestoreOptions extends RestoreOptions {
  /** What progress is told of. */
  readonly bytesTotal: number
  /** Flags of `includeFlags`; everything where there are none. */
  readonly includes?: readonly string[]
}

const PROGRESS_EVERY_MS = 500
const restoredSchema = z.object({ message_type: z.literal('status'), bytes_restored: countSchema })

/**
 * Restores a whole point into an empty folder and counts what arrived; resolves only when that is all of it, by number
 * of entries and bytes. It is not flushed to the disk. When it rejects, the folder holds any part of the point.
 */
export async function restorePoint(restic: Restic, options: RestoreOptions): Promise<PointSize> {
  const { target, point, isLockless = false, signal, deadlines } = options
  recoveryPointIdSchema.parse(point)
  await requireEmptyFolder(target)
  const run = { ...(signal === undefined ? {} : { signal }), ...(deadlines === undefined ? {} : { deadlines }) }
  const expected = await sizeOfPoint(restic, { point, isLockless, ...run })
  await restoreInto(restic, { ...options, bytesTotal: expected.bytes })
  return await requireAll(target, expected, signal)
}

/**
 * Restores a point, or parts of it, into a folder, whose path is that of the place where restic runs. It resolves when
 * restic says that it is done, which is no proof that everything arrived: whoever needs that counts.
 */
export async function restoreInto(restic: Restic, options: TreeRestoreOptions): Promise<void> {
  const { target, point, bytesTotal, includes = [], onProgress, isLockless, ...run } = options
  const { onStarted } = run
  const meter = new RestoreMeter(restic, { bytesTotal, onProgress: onProgress ?? (() => undefined) })
  try {
    await restic.run({
      ...run,
      verb: 'restore',
      flags: ['--json', ...(isLockless === true ? ['--no-lock'] : []), ...includes, '--target', target],
      operands: [recoveryPointIdSchema.parse(point)],
      readStdout: (chunks) => meter.read(chunks),
      onStarted: (process) => {
        void meter.follow(process)
        onStarted?.(process)
      },
    })
  } finally {
    meter.end()
  }
}

async function requireAll(target: string, expected: PointSize, signal: AbortSignal | undefined): Promise<PointSize> {
  const arrived = await countTree(target, signal)
  if (arrived.entries === expected.entries && arrived.bytes === expected.bytes) return arrived
  const says =
    `it said that all is restored, but ${arrived.entries} of ${expected.entries} files and folders ` +
    `with ${arrived.bytes} of ${expected.bytes} bytes arrived`
  throw new ResticFailure('unexpected', {
    verb: 'restore',
    says,
    hint: 'Check the repository; do not use what arrived.',
  })
}

/** restic overwrites and never deletes: only an empty folder holds the point and nothing else afterwards. */
export async function requireEmptyFolder(target: string): Promise<void> {
  const facts = target.startsWith('/') ? await ownFactsOf(target).catch(() => undefined) : undefined
  if (facts?.isDirectory() !== true) throw refusedTarget('is not a folder')
  if ((await namesIn(target)).length > 0) throw refusedTarget('is not empty')
}

const refusedTarget = (why: string): PilothouseError =>
  new PilothouseError('invalid_request', `The folder to restore into ${why}; nothing was restored.`, {
    hint: 'Restore into a folder that was just made.',
  })

/** Progress by restic's own messages where it writes them, by what it has written otherwise. */
class RestoreMeter {
  private readonly over = new AbortController()
  private hasMessages = false
  private readonly restic: Restic
  private readonly to: { readonly bytesTotal: number; readonly onProgress: (progress: RestoreProgress) => void }

  constructor(restic: Restic, to: RestoreMeter['to']) {
    this.restic = restic
    this.to = to
  }

  async read(chunks: AsyncIterable<Buffer>): Promise<void> {
    for await (const message of jsonObjectsOf(chunks)) {
      const status = restoredSchema.safeParse(message)
      if (!status.success) continue
      this.hasMessages = true
      this.tell(status.data.bytes_restored)
    }
  }

  async follow({ pid }: ProcessIdentity): Promise<void> {
    const { signal } = this.over
    while (!signal.aborted && !this.hasMessages) {
      const transfer = await processTransfer(pid).catch(() => undefined)
      if (transfer !== undefined) this.tell(transfer.writtenBytes)
      await this.restic.clock.sleep(PROGRESS_EVERY_MS, signal).catch(() => undefined)
    }
  }

  end(): void {
    this.over.abort()
  }

  private tell(bytes: number): void {
    const { bytesTotal, onProgress } = this.to
    if (!this.over.signal.aborted) onProgress({ bytesDone: Math.min(bytes, bytesTotal), bytesTotal })
  }
}
