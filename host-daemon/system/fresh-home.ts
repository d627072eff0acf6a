import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PilothouseError } from '../../src-shared/error.ts'
import { runProgram, type ProgramResult } from './child.ts'
import { syncDirectory } from './files.ts'
import { loopDeviceOf } from './mounts.ts'
import { PrivateRoom } from './private-room.ts'

const MOUNT_OPTIONS = 'loop,nosuid,nodev,noexec,noatime'
const MOUNT_TIMEOUT_MS = 30_000
/** Writing out and checking take longer the more is in the home. */
const DISK_TIMEOUT_MS = 30 * 60_000
const LET_GO_MS = 60_000
const POLL_MS = 10

/** A fresh home, mounted, with the means to start one program in it. */
export interface MountedFreshHome {
  /** The tree as the daemon sees it. */
  readonly path: string
  /** The tree's path as a program of `within` sees it. */
  readonly pathInside: string
  /**
   * Pure: what to start instead of `program`, so that it runs in the tree, as the same process, with the daemon's
   * rights. It must die with the daemon (`runProgram` sees to that), since the home stays mounted as long as it lives.
   */
  within(program: readonly string[]): [string, ...string[]]
}

export interface FreshHomeOptions {
  /** Absolute; made where it is absent, and nothing is ever written to it. */
  readonly folder: string
  readonly signal: AbortSignal
}

/**
 * Mounts the image of a home that we have just made and that no guest has had, runs `work` in it, and unmounts it.
 * When it resolves, everything that `work` wrote is on the disk, the file system has been checked whole and found good,
 * and nothing is mounted. When it rejects, nothing is mounted either, and the image is good for nothing but removal.
 * Nothing is ever seen in the host's mounts; whoever dies takes mount and loop device along. After the death of a daemon
 * the next one waits with `untilLetGo` before it touches the image.
 */
export async function withFreshHomeMounted<T>(
  imagePath: string,
  options: FreshHomeOptions,
  work: (home: MountedFreshHome) => Promise<T>,
): Promise<T> {
  await untilLetGo(imagePath, options.signal)
  const room = await PrivateRoom.open(options)
  let result: T
  try {
    result = await workInside(room, { imagePath, signal: options.signal }, work)
  } finally {
    await room.close()
    await untilLetGo(imagePath, new AbortController().signal)
  }
  await verify(imagePath, options.signal)
  await syncImage(imagePath)
  return result
}

interface Inside {
  readonly imagePath: string
  readonly signal: AbortSignal
}

async function workInside<T>(
  room: PrivateRoom,
  { imagePath, signal }: Inside,
  work: (home: MountedFreshHome) => Promise<T>,
): Promise<T> {
  const inside = join(room.folder, 'home')
  const run = (file: string, args: readonly string[], timeoutMs: number): Promise<ProgramResult> =>
    room.run({ file, args, timeoutMs, signal })
  await run('mkdir', ['--', inside], MOUNT_TIMEOUT_MS)
  await room.mount(['-t', 'ext4', '-o', MOUNT_OPTIONS, '--', imagePath, inside], signal)
  const result = await work({
    path: room.seenFromOutside(inside),
    pathInside: inside,
    within: (program) => room.within(program, inside),
  })
  await run('sync', ['--file-system', '--', inside], DISK_TIMEOUT_MS)
  await run('umount', ['--', inside], DISK_TIMEOUT_MS)
  return result
}

/**
 * Resolves once no loop device has the image any more, in whatever namespace; the kernel takes them down behind whoever
 * died. Rejects when one stays: somebody has mounted it.
 */
export async function untilLetGo(imagePath: string, signal: AbortSignal): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(LET_GO_MS)])
  for (let device = await loopDeviceOf(imagePath); device !== undefined; device = await loopDeviceOf(imagePath)) {
    signal.throwIfAborted()
    if (bounded.aborted) throw inUse(imagePath, device)
    await delay(POLL_MS)
  }
}

function inUse(imagePath: string, device: string): PilothouseError {
  return new PilothouseError('engine_failed', `${imagePath} is still mounted by ${device}.`, {
    hint: 'Find out who uses that device on the host and end it, then try again.',
  })
}

/** Changes nothing; rejects where anything at all is wrong. */
async function verify(imagePath: string, signal: AbortSignal): Promise<void> {
  const args = ['-f', '-n', '--', imagePath]
  await runProgram({ file: 'e2fsck', args, timeoutMs: DISK_TIMEOUT_MS, signal })
}

async function syncImage(imagePath: string): Promise<void> {
  const image = await open(imagePath, 'r+')
  try {
    await image.sync()
  } finally {
    await image.close()
  }
  await syncDirectory(dirname(imagePath))
}
