import { open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PilothouseError } from '../../src-shared/error.ts'
import { runProgram } from './child.ts'
import { syncDirectory } from './files.ts'
import { loopDeviceOf } from './mounts.ts'
import { PrivateRoom } from './private-room.ts'

/** No link is followed, whoever made it: what fills a home never writes out of it. */
const WRITABLE = 'loop,nosuid,nodev,noexec,noatime,nosymfollow'
/** The loop device, too, is made so that nothing can be written. */
const READ_ONLY = 'loop,ro,nosuid,nodev,noexec'
const PROGRAM_TIMEOUT_MS = 30_000
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

export interface OpenFreshHome extends MountedFreshHome {
  /** Resolves when nothing is mounted any more; idempotent; never rejects. */
  unmount(): Promise<void>
}

export interface FreshHomeOptions {
  /** Absolute; made where it is absent, and nothing is ever written to it. */
  readonly folder: string
  readonly signal: AbortSignal
}

/**
 * Mounts the image of a home that we have just made and that no guest has had, runs `work` in it, and unmounts it.
 * When it resolves, everything that `work` wrote is on the disk, and nothing is mounted; whether the file system is
 * whole is for `checkFreshHome` to say. When it rejects, nothing is mounted either, and the image is good for nothing but
 * removal. Nothing is ever seen in the host's mounts; whoever dies takes mount and loop device along. What a dead daemon
 * left behind is waited for first.
 */
export async function withFreshHomeMounted<T>(
  imagePath: string,
  options: FreshHomeOptions,
  work: (home: MountedFreshHome) => Promise<T>,
): Promise<T> {
  const { room, inside } = await mountInRoom(imagePath, options, WRITABLE)
  let result: T
  try {
    result = await work(mountedIn(room, inside))
    for (const program of [['sync', '--file-system'], ['umount']])
      await runInRoom(room, [...program, '--', inside], options.signal)
  } finally {
    await closeAndLetGo(room, imagePath)
  }
  await syncImage(imagePath)
  return result
}

/** Mounts such an image for reading alone. Leaves nothing behind when it rejects. */
export async function openFreshHome(imagePath: string, options: FreshHomeOptions): Promise<OpenFreshHome> {
  const { room, inside } = await mountInRoom(imagePath, options, READ_ONLY)
  const unmount = (): Promise<void> => closeAndLetGo(room, imagePath).catch(() => undefined)
  return { ...mountedIn(room, inside), unmount }
}

/** Checks all of such an image, mounted by nobody; changes nothing. Rejects where anything at all is wrong. */
export async function checkFreshHome(imagePath: string, signal: AbortSignal): Promise<void> {
  await untilLetGo(imagePath, signal)
  const args = ['-f', '-n', '--', imagePath]
  await runProgram({ file: 'e2fsck', args, timeoutMs: DISK_TIMEOUT_MS, signal })
}

interface MountedRoom {
  readonly room: PrivateRoom
  /** Where the home is, in the room. */
  readonly inside: string
}

async function mountInRoom(imagePath: string, options: FreshHomeOptions, how: string): Promise<MountedRoom> {
  const { signal } = options
  await untilLetGo(imagePath, signal)
  const room = await PrivateRoom.open(options)
  try {
    const inside = join(room.folder, 'home')
    await room.run({ file: 'mkdir', args: ['--', inside], timeoutMs: PROGRAM_TIMEOUT_MS, signal })
    await room.mount(['-t', 'ext4', '-o', how, '--', imagePath, inside], signal)
    return { room, inside }
  } catch (error) {
    await closeAndLetGo(room, imagePath)
    throw error
  }
}

function mountedIn(room: PrivateRoom, inside: string): MountedFreshHome {
  return {
    path: room.seenFromOutside(inside),
    pathInside: inside,
    within: (program) => room.within(program, inside),
  }
}

async function runInRoom(room: PrivateRoom, program: readonly string[], signal: AbortSignal): Promise<void> {
  const [file = '', ...args] = program
  await room.run({ file, args, timeoutMs: DISK_TIMEOUT_MS, signal })
}

/** Rejects where somebody still has the image after all. */
async function closeAndLetGo(room: PrivateRoom, imagePath: string): Promise<void> {
  await room.close()
  await untilLetGo(imagePath, new AbortController().signal)
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

async function syncImage(imagePath: string): Promise<void> {
  const image = await open(imagePath, 'r+')
  try {
    await image.sync()
  } finally {
    await image.close()
  }
  await syncDirectory(dirname(imagePath))
}
