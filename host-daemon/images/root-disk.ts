import { chmod, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from '../system/child.ts'
import type { Artefact } from './image-metadata.ts'
import { fileDigest } from './recipe.ts'

const DISK_TIMEOUT_MS = 300_000
const DISK_NAME = 'root.ext4'
/** When the file system says that it was made, in seconds since 1970. */
const BUILD_TIME = '1700000000'
const BLOCK_BYTES = 4096
const INODE_BYTES = 256
const SPARE_INODES = 256
/** For what a file system keeps of its own beside inodes. */
const SPARE_BLOCKS = 2048

export interface DiskInputs {
  readonly tree: string
  readonly output: string
  /** 64 hexadecimal digits that decide the file system's own ids. */
  readonly seed: string
}

/** A whole ext4 file system of the tree in `output`, written to the disk, made without a mount. */
export async function rootDisk({ tree, output, seed }: DiskInputs, signal?: AbortSignal): Promise<Artefact> {
  const path = join(output, DISK_NAME)
  const { bytes, inodes } = await measure(tree, signal)
  const tables = Math.ceil((inodes * INODE_BYTES) / BLOCK_BYTES)
  const blocks = Math.ceil(bytes / BLOCK_BYTES) + inodes + tables + SPARE_BLOCKS
  await runProgram({
    file: 'mkfs.ext4',
    args: [
      ...['-q', '-F', '-b', String(BLOCK_BYTES), '-I', String(INODE_BYTES), '-N', String(inodes), '-m', '0'],
      ...['-L', 'root', '-O', '^has_journal,^resize_inode', '-U', uuidOf(seed.slice(0, 32))],
      ...['-E', `nodiscard,root_owner=0:0,hash_seed=${uuidOf(seed.slice(32))}`, '-d', tree, '--', path, String(blocks)],
    ],
    environment: { E2FSPROGS_FAKE_TIME: BUILD_TIME },
    timeoutMs: DISK_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  })
  await chmod(path, 0o644)
  await syncFile(path)
  return { name: DISK_NAME, bytes: (await stat(path)).size, sha256: await fileDigest(path) }
}

async function measure(tree: string, signal?: AbortSignal): Promise<{ bytes: number; inodes: number }> {
  const ask = async (...how: string[]): Promise<number> => {
    const args = ['--summarize', ...how, '--', tree]
    const bounds = { timeoutMs: DISK_TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) }
    return Number.parseInt((await runProgram({ file: 'du', args, ...bounds })).stdout.toString('utf8'), 10)
  }
  return { bytes: await ask('--bytes'), inodes: (await ask('--inodes')) + SPARE_INODES }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function uuidOf(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
