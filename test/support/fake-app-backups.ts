import { hostIdOf, type BridgeContext } from '../../src-main/bridge/context.ts'
import type { CallOutput } from '../../src-shared/contract/call-names.ts'
import type { DaemonContract } from '../../src-shared/contract/daemon.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { AdoptedPoints } from '../../src-shared/model/adopted-points.ts'
import type { BackupPolicy, BackupStatus } from '../../src-shared/model/backup.ts'
import type { Environment } from '../../src-shared/model/environment.ts'
import type { CommandId, EnvironmentId, HostId } from '../../src-shared/model/ids.ts'
import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import type { ChangeCounts, PointChange, PointEntry, RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import { SAMPLE_POLICY, samplePoint } from './fake-app-backup-samples.ts'
import type { FakeApp } from './fake-app.ts'

interface Paged {
  readonly limit: number
  readonly after?: string | undefined
}

/** A page of a list, `after` being the number of the last one that was given. */
function pageOf<Item>(items: readonly Item[], { limit, after }: Paged): { page: Item[]; next: string | null } {
  const from = after === undefined ? 0 : Number(after)
  const to = from + limit
  return { page: items.slice(from, to), next: to < items.length ? String(to) : null }
}

/** How the fake keeps points and answers about them: by the contract's rules, as far as a screen can tell. */
export class FakeBackups {
  /** Newest first, by environment id; made up on first sight where a test has set none. */
  readonly points = new Map<string, RecoveryPoint[]>()
  /** What is in every point, whichever it is. */
  entries: PointEntry[] = sampleEntries()
  changes: PointChange[] = sampleChanges()
  /** What there is without an environment. */
  orphaned: CallOutput<DaemonContract, 'backups.orphaned'> = {
    environments: [],
    unrecorded: ['env-0badcafe' as EnvironmentId],
  }
  /** What the next taking on record answers, but for whose points they are. */
  adopted: Omit<AdoptedPoints, 'environmentId' | 'repository'> = {
    ...{ taken: 24, known: 0, gone: 0, left: 0, passedOverCount: 0, passedOver: [] },
  }
  private readonly fake: FakeApp

  constructor(fake: FakeApp) {
    this.fake = fake
  }

  status(hostId: HostId, environmentId: string): BackupStatus | undefined {
    return this.fake.states.get(hostId)?.backups.find((each) => each.environmentId === environmentId)
  }

  change(hostId: HostId, environmentId: string, change: Partial<BackupStatus>): BackupStatus {
    const before = this.status(hostId, environmentId)
    if (before === undefined) throw new PilothouseError('not_found', `There is no ${environmentId}.`)
    const backup = { ...before, observedAt: Date.now(), ...change }
    this.fake.emit({ type: 'backup_changed', hostId, backup })
    return backup
  }

  pointsOf(environment: Environment): RecoveryPoint[] {
    const known = this.points.get(environment.id)
    if (known !== undefined) return known
    const made = Array.from({ length: 41 }, (_unused, index) => samplePoint(index, environment))
    this.points.set(environment.id, made)
    return made
  }

  list(input: { environment: string; limit: number; before?: number | undefined }, context: BridgeContext) {
    const { before = Infinity, limit } = input
    const environment = this.fake.commands.found(context, input.environment)
    return this.pointsOf(environment)
      .filter(({ takenAt }) => takenAt < before)
      .slice(0, limit)
  }

  /** Begins an operation that goes on beside the guest: it holds nothing of the environment. */
  begin(kind: OperationKind, input: { commandId: string; environment: string }, context: BridgeContext): Operation {
    const hostId = hostIdOf(context)
    const environment = this.fake.commands.found(context, input.environment)
    const { requestId } = context
    const commandId = input.commandId as CommandId
    const known = this.fake.states.get(hostId)?.operations.find((each) => each.commandId === commandId)
    return known ?? this.fake.beginAside(hostId, environment, { kind, commandId, requestId, stepCount: 6 })
  }

  setPolicy(input: { environment: string; policy: BackupPolicy | null }, context: BridgeContext): BackupStatus {
    const { id } = this.fake.commands.found(context, input.environment)
    const policy = input.policy ?? SAMPLE_POLICY
    return this.change(hostIdOf(context), id, { policy, hasOwnPolicy: input.policy !== null })
  }

  adopt(environmentId: EnvironmentId): AdoptedPoints {
    return { environmentId, repository: `sftp:backup@backup.example.net:/srv/restic/${environmentId}`, ...this.adopted }
  }

  browse(input: { environment: string; point: string; folder: string } & Paged, context: BridgeContext) {
    const point = this.point(input, context)
    const prefix = input.folder === '/' ? '/' : `${input.folder}/`
    const children = this.entries.filter(
      ({ path }) => path !== '/' && path.startsWith(prefix) && !path.slice(prefix.length).includes('/'),
    )
    const { page, next } = pageOf(children, input)
    return { pointId: point.id, entries: page, next }
  }

  compare(input: { environment: string; from: string; to: string } & Paged, context: BridgeContext) {
    const from = this.point({ ...input, point: input.from }, context).id
    const to = this.point({ ...input, point: input.to }, context).id
    const { page, next } = pageOf(this.changes, input)
    return { from, to, counts: countsOf(this.changes), changes: page, next }
  }

  /** The point that a reference names. */
  point(input: { environment: string; point: string }, context: BridgeContext): RecoveryPoint {
    const points = this.pointsOf(this.fake.commands.found(context, input.environment))
    const found = input.point === 'latest' ? points[0] : points.find(({ id }) => id.startsWith(input.point))
    if (found === undefined) throw new PilothouseError('no_recovery_point', `There is no point ${input.point}.`)
    return found
  }
}

function countsOf(changes: readonly PointChange[]): ChangeCounts {
  const of = (kind: PointChange['kind']) => changes.filter((each) => each.kind === kind)
  const bytes = (kind: PointChange['kind']) => of(kind).reduce((sum, each) => sum + (each.toBytes ?? 0), 0)
  return {
    added: of('added').length,
    changed: of('changed').length,
    removed: of('removed').length,
    bytesWritten: bytes('added') + bytes('changed'),
    bytesRemoved: of('removed').reduce((sum, each) => sum + (each.fromBytes ?? 0), 0),
  }
}

const AT = 1_763_000_000_000
const entry = (path: string, type: PointEntry['type'], bytes = 0): PointEntry => ({
  ...{ path, type, bytes, modifiedAt: AT, mode: type === 'directory' ? 0o755 : 0o644 },
})

/** A small home, with names that mean harm, and a folder of many. */
function sampleEntries(): PointEntry[] {
  const many = Array.from({ length: 450 }, (_unused, index) =>
    entry(`/cache/entry-${String(index).padStart(4, '0')}.bin`, 'file', 4096 * (index + 1)),
  )
  return [
    entry('/cache', 'directory'),
    entry('/work', 'directory'),
    entry('/work/reports', 'directory'),
    entry('/work/reports/2026-11-20.pdf', 'file', 1_204_224),
    entry('/work/reports/summary.md', 'file', 8_211),
    entry('/work/invoice\u202efdp.exe', 'file', 73_802),
    entry('/work/two\nlines \u001b[31mred', 'file', 12),
    entry('/work/<img src=x onerror=alert(1)> & "quoted"', 'file', 64),
    entry('/work/current', 'symlink'),
    entry('/work/.agent.sock', 'other'),
    entry('/.profile', 'file', 807),
    entry('/notes.txt', 'file', 2_048),
    ...many,
  ]
}

function sampleChanges(): PointChange[] {
  const change = (kind: PointChange['kind'], path: string, bytes: [number | null, number | null]): PointChange => ({
    ...{ kind, path, type: 'file', fromBytes: bytes[0], toBytes: bytes[1] },
  })
  const many = Array.from({ length: 240 }, (_unused, index) =>
    change('changed', `/work/build/object-${index}.o`, [8192, 8192 + index * 512]),
  )
  return [
    change('changed', '/work/build/cache.db', [50_331_648, 32_505_856]),
    change('removed', '/work/reports/2026-11-20.pdf', [1_204_224, null]),
    change('added', '/work/.venv/pyvenv.cfg', [null, 214]),
    change('added', '/work/invoice\u202efdp.exe', [null, 73_802]),
    ...many,
  ]
}
