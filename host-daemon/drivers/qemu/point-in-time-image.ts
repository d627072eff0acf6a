import { join } from 'node:path'
import { runProgram } from '../../system/child.ts'
import { makeSparseFile, readHead } from '../../system/file-parts.ts'
import { removeFile } from '../../system/folders.ts'
import { openFuseRoom, readerArguments, serveFuse } from '../../system/fuse-room.ts'
import type { PrivateRoom } from '../../system/private-room.ts'
import { ProgramFailure } from '../../system/program-failure.ts'
import type { HomeConsistency } from '../vm-driver.ts'
import { DEADLINES } from './options.ts'
import { EXPORT_NAME } from './point-in-time-nodes.ts'
import { launchArguments } from './qemu-arguments.ts'

/** Fields of an ext4 superblock, from the start of the file system. */
const STATE_AT = 1024 + 0x3a
const INCOMPATIBLE_AT = 1024 + 0x60
const SUPERBLOCK_END = 2048
const CLEAN = 0x1
const NEEDS_RECOVERY = 0x4
/** e2fsck: nothing was wrong, what was wrong is mended, and the latter with a remark for mounted file systems. */
const MENDED = [0, 1, 2]

export interface ViewSource {
  /** Where QEMU offers the view. */
  readonly socket: string
  readonly uid: number
  /** The size of the home. */
  readonly bytes: number
  readonly scratchDirectory: string
  /** A file of its own for what a replay writes; gone when this resolves or rejects. */
  readonly replayFile: string
  readonly signal: AbortSignal
}

export interface ServedImage {
  readonly imagePath: string
  readonly consistency: HomeConsistency
  /** Never rejects. */
  close(): Promise<void>
}

/** Offers the view as a file, in a room of our own; with its journal replayed aside where it was not at rest. */
export async function serveView(source: ViewSource): Promise<ServedImage> {
  const plain = await serve(source, [])
  try {
    if (await isAtRest(plain.path)) return served(plain, 'quiesced')
  } catch (error) {
    await plain.room.close()
    throw error
  }
  await plain.room.close()
  return await serveReplayed(source)
}

async function serveReplayed(source: ViewSource): Promise<ServedImage> {
  const { replayFile, uid, signal } = source
  try {
    const create = ['qemu-img', 'create', '-q', '-f', 'qcow2', replayFile, String(source.bytes)]
    await runAs(uid, create, { signal, workingFile: replayFile })
    const file = `file.driver=file,file.filename=${replayFile}`
    const room = await serve(source, ['--blockdev', `driver=qcow2,node-name=top,backing=home,${file}`])
    try {
      return served(room, await replay(room, source))
    } catch (error) {
      await room.room.close()
      throw error
    }
  } finally {
    await removeFile(replayFile)
  }
}

interface Served {
  readonly room: PrivateRoom
  readonly path: string
  readonly pathInside: string
}

async function serve(source: ViewSource, more: readonly string[]): Promise<Served> {
  const { uid, signal, socket } = source
  const room = await openFuseRoom(uid, { folder: join(source.scratchDirectory, 'room'), signal })
  const path = join(room.folder, 'image')
  const isWritable = more.length > 0
  const nbd = `driver=nbd,node-name=home,server.type=unix,server.path=${socket},export=${EXPORT_NAME},read-only=on`
  const fuse = `type=fuse,id=image,node-name=${isWritable ? 'top' : 'home'},mountpoint=${path},allow-other=on`
  try {
    await serveFuse(room, {
      uid,
      program: [
        ...['qemu-storage-daemon', '--blockdev', nbd, ...more],
        ...['--export', `${fuse},writable=${isWritable ? 'on' : 'off'}`],
      ],
      mountPoint: { path, kind: 'file' },
      signal,
    })
    return { room, path: room.seenFromOutside(path), pathInside: path }
  } catch (error) {
    await room.close()
    throw error
  }
}

function served({ room, path }: Served, consistency: HomeConsistency): ServedImage {
  return { imagePath: path, consistency, close: () => room.close() }
}

async function replay({ room, pathInside }: Served, { uid, signal }: ViewSource): Promise<HomeConsistency> {
  const [file = '', ...args] = readerArguments(uid, ['e2fsck', '-p', '--', pathInside])
  return await asConsistency(
    room.run({ file, args, signal, expectedExits: MENDED, timeoutMs: DEADLINES.homeProgramMs }),
  )
}

/** A stopped guest's own home, brought to rest where it was not. */
export async function bringToRest(imagePath: string, uid: number, signal: AbortSignal): Promise<HomeConsistency> {
  if (await isAtRest(imagePath)) return 'quiesced'
  const program = ['e2fsck', '-p', '--', imagePath]
  return await asConsistency(
    runProgram({
      file: 'setpriv',
      args: launchArguments({ uid, group: undefined, diesWithDaemon: true }, program),
      expectedExits: MENDED,
      timeoutMs: DEADLINES.homeProgramMs,
      signal,
    }),
  )
}

async function asConsistency(mending: Promise<unknown>): Promise<HomeConsistency> {
  try {
    await mending
    return 'journal_replayed'
  } catch (error) {
    if (error instanceof ProgramFailure && error.kind === 'unexpected_exit') return 'neither'
    throw error
  }
}

/** By its own word: a file system in use, or left in the middle of it, says that its journal is to be replayed. */
export async function isAtRest(imagePath: string): Promise<boolean> {
  const head = await readHead(imagePath, SUPERBLOCK_END)
  if (head.length < SUPERBLOCK_END) return false
  const isClean = (head.readUInt16LE(STATE_AT) & CLEAN) !== 0
  return isClean && (head.readUInt32LE(INCOMPATIBLE_AT) & NEEDS_RECOVERY) === 0
}

/** Runs a program under the guest's uid on one file, which is made for it. */
async function runAs(
  uid: number,
  program: readonly string[],
  { signal, workingFile }: { readonly signal: AbortSignal; readonly workingFile: string },
): Promise<void> {
  await makeSparseFile(workingFile, { bytes: 0, uid })
  await runProgram({
    file: 'setpriv',
    args: launchArguments({ uid, group: undefined, diesWithDaemon: true }, program),
    timeoutMs: DEADLINES.programMs,
    signal,
  })
}
