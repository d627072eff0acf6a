import { createHash, randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type {
  FillOptions,
  MadePoint,
  NewPointOptions,
  PointRepository,
  PointSize,
  Repositories,
  RepositoryCall,
  RepositoryPoint,
} from '../../host-daemon/backups/point-repository.ts'
import { includeFlags } from '../../host-daemon/backups/restic/include.ts'
import type { HomeTree } from '../../host-daemon/drivers/vm-driver.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { Retention } from '../../src-shared/model/backup.ts'
import type { EnvironmentId, RecoveryPointId } from '../../src-shared/model/ids.ts'
import type { CheckDepth } from '../../src-shared/model/operation-result.ts'
import type { PointEntry } from '../../src-shared/model/recovery-point.ts'
import type { RepositoryLocation } from '../../src-shared/model/repository.ts'

export type FakeRepositoryAction =
  'prepare' | 'clearDeadLocks' | 'backUp' | 'list' | 'listEntries' | 'sizeOf' | 'fill' | 'forget' | 'prune' | 'check'

export interface FakeEntry {
  readonly path: string
  readonly type: PointEntry['type']
  /** Of a file its content, of a symlink its target. */
  readonly content: Buffer
  readonly mode: number
  readonly modifiedAt: number
}

export interface FakePoint extends RepositoryPoint {
  readonly entries: readonly FakeEntry[]
}

interface FakeStore {
  points: FakePoint[]
  deadLocks: number
  isDamaged: boolean
}

const POLL_MS = 2

interface Gate {
  readonly opened: Promise<void>
  readonly isDeaf: boolean
  /** Calls that came before it; they and no later ones pass. */
  readonly from: number
}

/**
 * `Repositories` in memory: what a test gives to the next daemon, as repositories outlive daemons. Every action can be
 * held, delayed or made to fail.
 */
export class FakeRepositories implements Repositories {
  readonly base = '/fake/repositories' as RepositoryLocation
  isOnThisHost = true
  readonly stores = new Map<string, FakeStore>()
  readonly calls: Record<FakeRepositoryAction, number> = {
    prepare: 0,
    clearDeadLocks: 0,
    backUp: 0,
    list: 0,
    listEntries: 0,
    sizeOf: 0,
    fill: 0,
    forget: 0,
    prune: 0,
    check: 0,
  }
  readonly delayMs: Partial<Record<FakeRepositoryAction, number>> = {}
  private readonly failures = new Map<FakeRepositoryAction, (Error | undefined)[]>()
  private readonly gates = new Map<FakeRepositoryAction, Gate>()
  readonly clock: Pick<Clock, 'now'>

  constructor(clock: Pick<Clock, 'now'> = { now: () => Date.now() }) {
    this.clock = clock
  }

  of(environmentId: EnvironmentId): FakePointRepository {
    return this.at(`${this.base}/${environmentId}`)
  }

  at(location: string): FakePointRepository {
    return new FakePointRepository(this, location as RepositoryLocation)
  }

  /** The points of an environment's repository, oldest first. */
  pointsOf(environmentId: EnvironmentId): readonly FakePoint[] {
    return this.stores.get(`${this.base}/${environmentId}`)?.points ?? []
  }

  /** What somebody else did: the point is in the repository no more. */
  forget(id: RecoveryPointId): void {
    for (const store of this.stores.values()) store.points = store.points.filter((point) => point.id !== id)
  }

  /** The next call of `action`, or the one after `after` others, fails with `error`; called again, the one after it too. */
  failNext(action: FakeRepositoryAction, error: Error, { after = 0 } = {}): void {
    const passed = Array.from({ length: after }, () => undefined)
    this.failures.set(action, [...(this.failures.get(action) ?? []), ...passed, error])
  }

  forgetFailures(): void {
    this.failures.clear()
  }

  /**
   * Every call of `action`, or every one after `after` others, waits until the function returned is called; a deaf one
   * also where it is cancelled.
   */
  hold(action: FakeRepositoryAction, { isDeaf = false, after = 0 } = {}): () => void {
    const gate = Promise.withResolvers<undefined>()
    this.gates.set(action, { opened: gate.promise, isDeaf, from: this.calls[action] + after })
    return () => {
      this.gates.delete(action)
      gate.resolve(undefined)
    }
  }

  async act(action: FakeRepositoryAction, { signal }: RepositoryCall): Promise<void> {
    this.calls[action] += 1
    signal.throwIfAborted()
    const gate = this.gates.get(action)
    if (gate !== undefined && this.calls[action] > gate.from)
      await (gate.isDeaf ? gate.opened : Promise.race([gate.opened, aborted(signal)]))
    const ms = this.delayMs[action] ?? 0
    if (ms > 0) await Promise.race([delay(ms), aborted(signal)])
    const failure = this.failures.get(action)?.shift()
    if (failure !== undefined) throw failure
  }
}

/** One repository of `FakeRepositories`. */
export class FakePointRepository implements PointRepository {
  readonly location: RepositoryLocation
  private readonly host: FakeRepositories

  constructor(host: FakeRepositories, location: RepositoryLocation) {
    this.host = host
    this.location = location
  }

  async prepare(call: RepositoryCall): Promise<void> {
    await this.host.act('prepare', call)
    if (!this.host.stores.has(this.location))
      this.host.stores.set(this.location, { points: [], deadLocks: 0, isDamaged: false })
  }

  async clearDeadLocks(call: RepositoryCall): Promise<number> {
    await this.host.act('clearDeadLocks', call)
    const store = this.store()
    const cleared = store.deadLocks
    store.deadLocks = 0
    return cleared
  }

  async backUp(tree: HomeTree, options: NewPointOptions): Promise<MadePoint> {
    await this.host.act('backUp', options)
    const entries = await readTree(tree.path)
    options.signal.throwIfAborted()
    const size = sizeOf(entries)
    options.onProgress({ doneBytes: size.bytes, totalBytes: size.bytes, doneFiles: null, totalFiles: null })
    const { environmentId, tags } = options
    const about = { takenAt: this.host.clock.now(), environment: environmentId, path: tree.pathInside, tags }
    const point: FakePoint = { id: randomBytes(32).toString('hex') as RecoveryPointId, ...about, entries }
    this.store().points.push(point)
    return { ...known(point), addedBytes: size.bytes, durationMs: 1, unreadableCount: 0 }
  }

  async list(call: RepositoryCall & { readonly environmentId: EnvironmentId }): Promise<readonly RepositoryPoint[]> {
    await this.host.act('list', call)
    return this.store()
      .points.filter(({ environment }) => environment === call.environmentId)
      .map(known)
  }

  async listEntries(
    call: RepositoryCall & {
      readonly point: RecoveryPointId
      readonly onEntry: (entry: PointEntry) => Promise<void> | void
    },
  ): Promise<number> {
    await this.host.act('listEntries', call)
    const { entries } = this.point(call.point)
    for (const { path, type, content, mode, modifiedAt } of entries) {
      await call.onEntry({ path, type, bytes: type === 'file' ? content.length : 0, modifiedAt, mode })
    }
    return entries.length
  }

  async sizeOf(call: RepositoryCall & { readonly point: RecoveryPointId }): Promise<PointSize> {
    await this.host.act('sizeOf', call)
    return sizeOf(this.point(call.point).entries)
  }

  async fill(tree: HomeTree, options: FillOptions): Promise<void> {
    await this.host.act('fill', options)
    const { paths = [] } = options
    includeFlags(paths)
    const { entries } = this.point(options.point)
    if ((await readdir(tree.path)).length > 0) throw new PilothouseError('invalid_request', 'The tree is not empty.')
    const wanted = entries.filter(({ path }) => paths.length === 0 || paths.some((given) => isWithin(path, given)))
    const missing = paths.find((given) => !entries.some(({ path }) => path === given))
    if (missing !== undefined) throw new PilothouseError('not_found', `Not in the recovery point: ${missing}.`)
    for (const entry of wanted) await writeEntry(tree.path, entry)
    for (const entry of wanted.toReversed()) await setTimes(tree.path, entry)
    const { bytes } = sizeOf(wanted)
    options.onProgress({ doneBytes: bytes, totalBytes: options.size.bytes, doneFiles: null, totalFiles: null })
  }

  async forget(call: RepositoryCall & { readonly points: readonly RecoveryPointId[] }): Promise<void> {
    await this.host.act('forget', call)
    const store = this.aloneStore()
    store.points = store.points.filter(({ id }) => !call.points.includes(id))
  }

  /** Of the rules, it knows `last` alone; with any other, everything stays. */
  async prune(call: RepositoryCall & { readonly environmentId: EnvironmentId; readonly keep: Retention }) {
    await this.host.act('prune', call)
    const store = this.aloneStore()
    const own = store.points.filter(({ environment }) => environment === call.environmentId)
    const hasOthers = Object.keys(call.keep).some((rule) => rule !== 'last')
    const kept = new Set(hasOthers ? own : own.slice(-(call.keep.last ?? own.length)))
    const forgotten = own.filter((point) => !kept.has(point))
    store.points = store.points.filter((point) => !forgotten.includes(point))
    return { kept: [...kept].map(({ id }) => id), forgotten: forgotten.map(({ id }) => id) }
  }

  async check(call: RepositoryCall & { readonly depth: CheckDepth }) {
    await this.host.act('check', call)
    const { isDamaged } = this.aloneStore()
    return { isSound: !isDamaged, findings: isDamaged ? ['a pack is not as it was written'] : [] }
  }

  /** For whoever needs it for himself. */
  private aloneStore(): FakeStore {
    const store = this.store()
    if (store.deadLocks === 0) return store
    throw new PilothouseError('repository_locked', 'Another one holds a lock on the repository.')
  }

  private store(): FakeStore {
    const store = this.host.stores.get(this.location)
    if (store !== undefined) return store
    throw new PilothouseError('repository_missing', `There is no repository at ${this.location}.`)
  }

  private point(id: RecoveryPointId): FakePoint {
    const found = this.store().points.find((point) => point.id === id)
    if (found !== undefined) return found
    throw new PilothouseError('no_recovery_point', `The recovery point ${id} is not in the repository.`)
  }
}

function known({ id, takenAt, environment, path, tags }: FakePoint): RepositoryPoint {
  return { id, takenAt, environment, path, tags }
}

function sizeOf(entries: readonly FakeEntry[]): PointSize {
  const files = entries.filter(({ type }) => type === 'file')
  return { bytes: files.reduce((sum, { content }) => sum + content.length, 0), entries: entries.length }
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`)
}

async function readTree(root: string, folder = ''): Promise<FakeEntry[]> {
  const entries: FakeEntry[] = []
  for (const name of (await readdir(join(root, folder))).sort()) {
    const path = `${folder}/${name}`
    const stat = await lstat(join(root, path))
    const about = { path, mode: stat.mode & 0o7777, modifiedAt: Math.floor(stat.mtimeMs) }
    if (stat.isDirectory()) {
      entries.push({ ...about, type: 'directory', content: Buffer.alloc(0) }, ...(await readTree(root, path)))
    } else if (stat.isSymbolicLink())
      entries.push({ ...about, type: 'symlink', content: Buffer.from(await readlink(join(root, path))) })
    else if (stat.isFile()) entries.push({ ...about, type: 'file', content: await readFile(join(root, path)) })
    else entries.push({ ...about, type: 'other', content: Buffer.alloc(0) })
  }
  return entries
}

async function writeEntry(root: string, { path, type, content, mode }: FakeEntry): Promise<void> {
  const at = join(root, path)
  await mkdir(join(at, '..'), { recursive: true })
  if (type === 'directory') await mkdir(at, { recursive: true })
  else if (type === 'symlink') await symlink(content.toString(), at)
  else await writeFile(at, content)
  if (type !== 'symlink') await chmod(at, mode)
}

async function setTimes(root: string, { path, type, modifiedAt }: FakeEntry): Promise<void> {
  if (type === 'symlink') return
  const time = new Date(modifiedAt)
  await utimes(join(root, path), time, time)
}

/** A time that says what is in a file: the same content is of the same time, whenever it is laid out. */
export function fakeTimeOf(content: string): number {
  return 1_700_000_000_000 + (createHash('sha256').update(content).digest().readUInt32BE(0) % 10_000_000) * 1000
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const look = setInterval(() => {
      if (!signal.aborted) return
      clearInterval(look)
      reject(signal.reason as Error)
    }, POLL_MS)
    look.unref()
  })
}
