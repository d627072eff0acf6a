import { hostname } from 'node:os'
import { basename } from 'node:path'
import { z } from 'zod'
import { processAgeMs, processArguments } from '../../system/processes.ts'
import { ResticFailure } from './failure.ts'
import { judgeLock, type LockVerdict, type RepositoryLock } from './lock-rule.ts'
import { parseDocument, timeSchema } from './output.ts'
import { SHORT, type Restic, type ResticRunOptions } from './restic.ts'

export type JudgedLock = RepositoryLock & LockVerdict

export interface ClearedLocks {
  readonly cleared: readonly JudgedLock[]
  /** Locks of living owners, and of dead ones that could not be removed yet. */
  readonly left: readonly JudgedLock[]
}

const LOCK_ID = /^[0-9a-f]{64}$/
/** Each costs a run of restic; a repository with more is somebody's to look at. */
const MOST_LOCKS = 20

const lockSchema = z
  .object({ time: timeSchema, exclusive: z.boolean().default(false), hostname: z.string(), pid: z.int() })
  .transform(({ time, exclusive, hostname, pid }) => ({
    refreshedAtMs: time,
    isExclusive: exclusive,
    hostName: hostname,
    pid,
  }))

/** The locks of the repository, each judged by the rule. Takes none itself; one that goes meanwhile is left out. */
export async function listLocks(restic: Restic, run: ResticRunOptions = {}): Promise<JudgedLock[]> {
  const call = { verb: 'list', flags: ['--no-lock', '--quiet'], operands: ['locks'], deadlines: SHORT }
  const { stdout } = await restic.run({ ...call, ...run })
  const ids = parseLockIds(stdout.toString('utf8')).slice(0, MOST_LOCKS)
  const locks: JudgedLock[] = []
  for (const id of ids) {
    const lock = await readLock(restic, { id, run })
    if (lock !== undefined) locks.push({ ...lock, ...(await judge(restic, lock)) })
  }
  return locks
}

/**
 * Removes the locks of dead owners, and only them: `restic unlock` is run when there is one that it would remove, and
 * none that it would remove of an owner that lives. Every lock is never removed at once.
 */
export async function clearDeadLocks(restic: Restic, run: ResticRunOptions = {}): Promise<ClearedLocks> {
  const before = await listLocks(restic, run)
  const removable = before.filter(({ isRemovable }) => isRemovable)
  if (removable.length === 0 || removable.some(({ isDead }) => !isDead)) return { cleared: [], left: before }
  await restic.run({ verb: 'unlock', flags: [], deadlines: SHORT, ...run })
  const left = await listLocks(restic, run)
  const there = new Set(left.map(({ id }) => id))
  return { cleared: removable.filter(({ id }) => !there.has(id)), left }
}

/** Ids among the lines of `list locks`. */
export function parseLockIds(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => LOCK_ID.test(line))
}

export function parseLock(id: string, text: string): RepositoryLock {
  return { id, ...parseDocument('cat', text, lockSchema) }
}

async function readLock(
  restic: Restic,
  { id, run }: { readonly id: string; readonly run: ResticRunOptions },
): Promise<RepositoryLock | undefined> {
  const call = { verb: 'cat', flags: ['--no-lock', '--json'], operands: ['lock', id], deadlines: SHORT }
  try {
    const { stdout } = await restic.run({ ...call, ...run })
    return parseLock(id, stdout.toString('utf8'))
  } catch (error) {
    const ids = error instanceof ResticFailure ? await currentIds(restic, run) : undefined
    if (ids === undefined || ids.includes(id)) throw error
    return undefined
  }
}

async function currentIds(restic: Restic, run: ResticRunOptions): Promise<string[]> {
  const call = { verb: 'list', flags: ['--no-lock', '--quiet'], operands: ['locks'], deadlines: SHORT }
  return parseLockIds((await restic.run({ ...call, ...run })).stdout.toString('utf8'))
}

async function judge(restic: Restic, lock: RepositoryLock): Promise<LockVerdict> {
  const [program = ''] = (await processArguments(lock.pid)) ?? []
  const owner = { processAgeMs: await processAgeMs(lock.pid), isRestic: basename(program).includes('restic') }
  return judgeLock(lock, { nowMs: restic.clock.now(), hostName: hostname(), ...owner })
}
