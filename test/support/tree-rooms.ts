import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { HomeTree } from '../../host-daemon/drivers/vm-driver.ts'
import { PrivateRoom } from '../../host-daemon/system/private-room.ts'

const CONFINED = 'remount,bind,nosuid,nodev,noexec,nosymfollow'

/** Folders as trees that restic can fill: each in a private room, where no link is followed out of it. */
export class TreeRooms {
  private readonly folder: string
  private readonly rooms: PrivateRoom[] = []

  constructor(folder: string) {
    this.folder = folder
  }

  /** `path` is not below the folder of the rooms. */
  async treeAt(path: string): Promise<HomeTree> {
    const { signal } = new AbortController()
    await mkdir(this.folder, { recursive: true })
    const room = await PrivateRoom.open({ folder: join(this.folder, 'room'), signal })
    this.rooms.push(room)
    const inside = join(room.folder, 'home')
    await mkdir(room.seenFromOutside(inside))
    await room.mount(['--bind', '--', path, inside], signal)
    await room.mount(['-o', CONFINED, '--', inside], signal)
    return {
      path: room.seenFromOutside(inside),
      pathInside: inside,
      within: (program) => room.within(program, inside),
    }
  }

  async close(): Promise<void> {
    for (const room of this.rooms.splice(0)) await room.close()
  }
}
