import type { HomeTree } from '../drivers/vm-driver.ts'
import type { RepositoryPassword } from './password.ts'
import type { FillOptions, MadePoint, NewPointOptions, PointRepository, RepositoryCall } from './point-repository.ts'
import { inOurWords } from './restic-repository-failure.ts'
import { backupTotalMs } from './restic/backup-time.ts'
import { backUp, type BackupProgress } from './restic/backup.ts'
import { checkRepository } from './restic/check.ts'
import { requireConfined } from './restic/confined.ts'
import { forgetByRules, forgetPoints } from './restic/forget.ts'
import { includeFlags, requireArrived } from './restic/include.ts'
import { initRepository } from './restic/init.ts'
import { clearDeadLocks } from './restic/locks.ts'
import { listPoint } from './restic/ls.ts'
import { toPointEntry } from './restic/point-entry.ts'
import { pruneRepository } from './restic/prune.ts'
import type { Restic, ResticRunOptions } from './restic/restic.ts'
import { requireEmptyFolder, restoreInto } from './restic/restore.ts'
import { listSnapshots, type Snapshot } from './restic/snapshots.ts'
import { sizeOfPoint } from './restic/stats.ts'
import { tagSchema } from './restic/tags.ts'

export interface ResticRepositoryOptions {
  readonly password: RepositoryPassword
  /** Without progress for so long, a call that moves data is stopped. */
  readonly idleMs: number
}

type Call<Name extends 'list' | 'listEntries' | 'sizeOf' | 'forget' | 'prune' | 'check'> = Parameters<
  PointRepository[Name]
>[0]

/** A repository that restic keeps. */
export class ResticRepository implements PointRepository {
  private readonly restic: Restic
  private readonly options: ResticRepositoryOptions

  constructor(restic: Restic, options: ResticRepositoryOptions) {
    this.restic = restic
    this.options = options
  }

  get location() {
    return this.restic.settings.repository
  }

  prepare(call: RepositoryCall) {
    return inOurWords(async () => {
      call.signal.throwIfAborted()
      await this.options.password.make()
      await initRepository(this.restic, brief(call))
    })
  }

  clearDeadLocks(call: RepositoryCall) {
    return this.use(call, async () => (await clearDeadLocks(this.restic, brief(call))).cleared.length)
  }

  backUp(tree: HomeTree, options: NewPointOptions): Promise<MadePoint> {
    const { environmentId: host, tags, homeBytes, onProgress } = options
    const totalMs = backupTotalMs(homeBytes, this.restic.settings.bandwidth?.uploadKiBps)
    return this.use(options, async () => {
      const made = await backUp(this.restic.within(tree), {
        ...brief(options),
        deadlines: { idleMs: this.options.idleMs, totalMs },
        directory: tree.pathInside,
        host,
        tags: tags.map((tag) => tagSchema.parse(tag)),
        onProgress: (progress) => onProgress(toMoved(progress)),
      })
      const { bytesAdded: addedBytes, durationMs, unreadableCount } = made
      return { ...toPoint(made.snapshot), addedBytes, durationMs, unreadableCount }
    })
  }

  list({ environmentId: host, ...call }: Call<'list'>) {
    return this.use(call, async () => (await listSnapshots(this.restic, { host, ...brief(call) })).map(toPoint))
  }

  listEntries({ point, onEntry, ...call }: Call<'listEntries'>) {
    const tell = (entry: Parameters<typeof toPointEntry>[0]) => onEntry(toPointEntry(entry))
    return this.use(call, () => listPoint(this.restic, { ...this.long(call), point, onEntry: tell }))
  }

  sizeOf({ point, ...call }: Call<'sizeOf'>) {
    return this.use(call, () => sizeOfPoint(this.restic, { ...this.long(call), point }))
  }

  fill(tree: HomeTree, options: FillOptions) {
    const { point, size, paths = [], onProgress } = options
    const told = (doneBytes: number) =>
      onProgress({ doneBytes, totalBytes: size.bytes, doneFiles: null, totalFiles: size.entries })
    return this.use(options, async () => {
      const includes = includeFlags(paths)
      await requireEmptyFolder(tree.path)
      await requireConfined(tree, options.signal)
      await restoreInto(this.restic.within(tree), {
        ...this.long(options),
        point,
        target: tree.pathInside,
        bytesTotal: size.bytes,
        includes,
        onProgress: ({ bytesDone }) => told(bytesDone),
      })
      await requireArrived(tree.path, paths)
    })
  }

  forget({ points, ...call }: Call<'forget'>) {
    return this.use(call, () => forgetPoints(this.restic, { ...brief(call), points }))
  }

  prune({ environmentId: host, keep, ...call }: Call<'prune'>) {
    return this.use(call, async () => {
      const rules = Object.fromEntries(Object.entries(keep).filter(([, count]) => count !== undefined))
      const result = await forgetByRules(this.restic, { ...brief(call), host, keep: rules })
      await pruneRepository(this.restic, this.long(call))
      return result
    })
  }

  check({ depth, ...call }: Call<'check'>) {
    return this.use(call, async () => {
      const result = await checkRepository(this.restic, { ...this.long(call), depth })
      return result.isSound ? { isSound: true, findings: [] } : result
    })
  }

  /** Every call but the one that makes the repository. */
  private use<T>({ signal }: RepositoryCall, work: () => Promise<T>): Promise<T> {
    return inOurWords(async () => {
      signal.throwIfAborted()
      await this.options.password.require()
      return await work()
    })
  }

  /** For calls whose work grows with the data. */
  private long(call: RepositoryCall): ResticRunOptions {
    return { ...brief(call), deadlines: { idleMs: this.options.idleMs } }
  }
}

function brief({ signal, onChild }: RepositoryCall): ResticRunOptions {
  return { signal, ...(onChild === undefined ? {} : { onStarted: onChild }) }
}

function toMoved({ bytesDone, bytesTotal, filesDone, filesTotal }: BackupProgress) {
  return { doneBytes: bytesDone, totalBytes: bytesTotal, doneFiles: filesDone, totalFiles: filesTotal }
}

function toPoint({ id, takenAtMs, host, paths, tags }: Snapshot) {
  return { id, takenAt: takenAtMs, environment: host, path: paths.length === 1 ? (paths[0] ?? '') : '', tags }
}
