import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import type { ProgramRequest, ProgramResult } from './child.ts'
import { openFuseRoom, serveFuse } from './fuse-room.ts'
import type { PrivateRoom } from './private-room.ts'

export interface MountedHome {
  /** The tree, read-only, as the daemon itself sees it; owners and modes are the home's own. */
  readonly path: string
  /** The tree's path as a program of `run` sees it: the same for every home that is mounted with the same folder. */
  readonly pathInside: string
  /** Runs one program with the tree as its working directory, with the daemon's rights. It dies with the daemon. */
  run(request: Omit<ProgramRequest, 'workingDirectory'>): Promise<ProgramResult>
  /** Pure: what to start instead of `program`, so that it runs as by `run`, for whoever starts programs in his own way. */
  within(program: readonly string[]): [string, ...string[]]
  /** Resolves when nothing of it is left; idempotent; never rejects. */
  unmount(): Promise<void>
}

export interface MountOptions {
  /** Absolute; made where it is absent, and nothing is ever written to it. */
  readonly folder: string
  readonly signal: AbortSignal
}

/**
 * Mounts an ext4 image that a guest wrote, read-only and in user space, by a program without any rights under the
 * image's own uid. Nothing is seen in the host's mounts, and everything is gone when the daemon is, however it ended.
 * The image must have been cleanly unmounted or frozen, or have had its journal replayed: it is not replayed here.
 * One that is root's is refused: its reader would have rights.
 */
export async function mountReadOnly(imagePath: string, options: MountOptions): Promise<MountedHome> {
  const image = await open(imagePath, 'r')
  try {
    const { uid } = await image.stat()
    if (uid === 0) throw readerWithRights(imagePath)
    const room = await openFuseRoom(uid, options)
    const inside = join(room.folder, 'home')
    try {
      await serveFuse(room, {
        uid,
        program: ['fuse2fs', '-f', '-o', 'ro,allow_other', '/dev/fd/3', inside],
        mountPoint: { path: inside, kind: 'directory' },
        descriptors: [image.fd],
        signal: options.signal,
      })
    } catch (error) {
      await room.close()
      throw error
    }
    return mounted(room, inside)
  } finally {
    await image.close()
  }
}

function readerWithRights(imagePath: string): PilothouseError {
  return new PilothouseError('engine_failed', `${imagePath} belongs to root: nothing without rights can read it.`, {
    hint: "Start its environment once, which makes the home its guest's own again, then try again.",
  })
}

function mounted(room: PrivateRoom, inside: string): MountedHome {
  return {
    path: room.seenFromOutside(inside),
    pathInside: inside,
    run: (request) => room.run({ ...request, workingDirectory: inside }),
    within: (program) => room.within(program, inside),
    unmount: () => room.close(),
  }
}
