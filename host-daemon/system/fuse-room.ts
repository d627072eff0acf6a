import { chmod, chown, mkdir, open, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PilothouseError } from '../../src-shared/error.ts'
import { isSeen } from './presence.ts'
import { PrivateRoom, type RoomOptions, type Service } from './private-room.ts'

const PROGRAM_TIMEOUT_MS = 30_000
const SERVE_TIMEOUT_MS = 30_000
const POLL_MS = 5
const FUSERMOUNT = ['/usr/bin/fusermount3', '/bin/fusermount3']
/** What `fusermount3` needs to mount for someone else, and nothing beyond it can be gained by anyone in the room. */
const CAPABILITIES = '-all,+sys_admin,+setuid,+setgid'
/** Major and minor number of the kernel's FUSE device. */
const FUSE_DEVICE = ['c', '10', '229']

/**
 * A private room in which a uid without any rights may serve file systems to the daemon. The stock `fusermount3` mounts
 * them; that the host would not let it (its settings, a uid without a name, its /dev/fuse) matters only outside.
 * It is the one program in the room's root that gives more rights than its caller has.
 */
export async function openFuseRoom(uid: number, options: RoomOptions): Promise<PrivateRoom> {
  const helper = await findFusermount()
  const room = await PrivateRoom.open(options)
  try {
    await layOut(room, uid)
    const inRoom = (name: string): string => join(room.folder, name)
    if (!(await isOpenToAll('/dev/fuse'))) await bindOwnDevice(room, options.signal)
    const own = [
      [inRoom('fuse.conf'), '/etc/fuse.conf'],
      [inRoom('passwd'), '/etc/passwd'],
      [helper, helper],
    ]
    for (const [from = '', to = ''] of own) await room.mount(['--bind', '--', from, to], options.signal)
    await room.mount(['-o', 'remount,bind,nosuid', '--', '/'], options.signal)
    return room
  } catch (error) {
    await room.close()
    throw error
  }
}

async function isOpenToAll(device: string): Promise<boolean> {
  return ((await stat(device)).mode & 0o006) === 0o006
}

/** Where the host keeps FUSE to root. */
async function bindOwnDevice(room: PrivateRoom, signal: AbortSignal): Promise<void> {
  const device = join(room.folder, 'fuse')
  const args = ['-m', '0666', '--', device, ...FUSE_DEVICE]
  await room.run({ file: 'mknod', args, timeoutMs: PROGRAM_TIMEOUT_MS, signal })
  await room.mount(['-o', 'remount,dev', '--', room.folder], signal)
  await room.mount(['--bind', '--', device, '/dev/fuse'], signal)
}

async function findFusermount(): Promise<string> {
  for (const path of FUSERMOUNT) if (await isSeen(path)) return path
  throw new PilothouseError('engine_failed', 'This host has no fusermount3, which homes are read with.', {
    hint: 'Install the packages fuse3 and fuse2fs on the host.',
  })
}

async function layOut(room: PrivateRoom, uid: number): Promise<void> {
  const outside = (name: string): string => room.seenFromOutside(join(room.folder, name))
  await writeFile(outside('fuse.conf'), 'user_allow_other\n')
  const accounts = await readFile('/etc/passwd', 'utf8')
  await writeFile(outside('passwd'), `${accounts.trimEnd()}\nhome-reader:x:${uid}:${uid}::/:/usr/sbin/nologin\n`)
  // Whatever the daemon's umask is.
  for (const name of ['fuse.conf', 'passwd']) await chmod(outside(name), 0o644)
}

export interface FuseServer {
  readonly uid: number
  readonly program: readonly string[]
  /** In the room; made here, the uid's own. */
  readonly mountPoint: { readonly path: string; readonly kind: 'file' | 'directory' }
  readonly descriptors?: readonly number[]
  readonly signal: AbortSignal
}

/** Starts the server and resolves once what it serves is mounted. */
export async function serveFuse(room: PrivateRoom, server: FuseServer): Promise<Service> {
  await makeMountPoint(room, server)
  const [file = '', ...args] = readerArguments(server.uid, server.program)
  const { descriptors = [] } = server
  const service = room.serve({ file, args, descriptors })
  try {
    await Promise.race([untilMounted(room, server), service.failed])
    return service
  } catch (error) {
    await service.stop()
    throw error
  }
}

/** Pure: what reads a guest's bytes has none of the daemon's rights. It dies with the daemon. */
export function readerArguments(uid: number, program: readonly string[]): string[] {
  return [
    ...['setpriv', '--reuid', String(uid), '--regid', String(uid), '--clear-groups', '--pdeathsig', 'KILL'],
    ...[`--bounding-set=${CAPABILITIES}`, '--inh-caps=-all', '--ambient-caps=-all', '--', ...program],
  ]
}

async function makeMountPoint(room: PrivateRoom, { mountPoint, uid }: FuseServer): Promise<void> {
  const path = room.seenFromOutside(mountPoint.path)
  if (mountPoint.kind === 'directory') await mkdir(path)
  else await (await open(path, 'wx')).close()
  await chmod(path, mountPoint.kind === 'directory' ? 0o755 : 0o600)
  await chown(path, uid, uid)
}

async function untilMounted(room: PrivateRoom, { mountPoint, signal }: FuseServer): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(SERVE_TIMEOUT_MS)])
  while (!(await readFile(room.mountTable, 'utf8')).includes(` ${mountPoint.path} `)) {
    await delay(POLL_MS, undefined, { signal: bounded })
  }
}
