import { mkdtemp, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { run } from '../../../scripts/lib/run.ts'

const MIB = 1024 * 1024
const MKFS = ['mkfs.ext4', '-q', '-F', '-m', '0', '-L', 'home', '-E', 'nodiscard,lazy_itable_init=1,root_owner=0:0']

export interface BareRestoreOptions {
  /** On the same file system as the daemon's homes. */
  readonly folder: string
  readonly homeMiB: number
  readonly repository: string
  readonly passwordFile: string
  readonly cacheDirectory: string
  /** Of 64 hex digits. */
  readonly point: string
}

/**
 * What one would do by hand: a fresh ext4 image, mounted, the point restored into it, written out, unmounted, and image
 * and folder fsynced. Answers with the milliseconds from the first to the last of these.
 */
export async function measureBareRestore(options: BareRestoreOptions): Promise<number> {
  const folder = await mkdtemp(join(options.folder, 'by-hand-'))
  const [image, place] = [join(folder, 'home.img'), join(folder, 'place')]
  await run(['mkdir', place])
  let isMounted = false
  try {
    const startedAt = performance.now()
    await makeImage(image, options.homeMiB)
    await run(['mount', '-t', 'ext4', '-o', 'loop,nosuid,nodev,noexec,noatime', '--', image, place])
    isMounted = true
    await run(resticArguments(options, place))
    await run(['sync', '--file-system', '--', place])
    await run(['umount', '--', place])
    isMounted = false
    for (const path of [image, folder]) await sync(path)
    return performance.now() - startedAt
  } finally {
    if (isMounted) await run(['umount', '--', place])
    await rm(folder, { recursive: true, force: true })
  }
}

function resticArguments(options: BareRestoreOptions, target: string): string[] {
  const { repository, passwordFile, cacheDirectory, point } = options
  const where = ['--repo', repository, '--password-file', passwordFile, '--cache-dir', cacheDirectory]
  return ['restic', ...where, 'restore', '--target', target, '--', point]
}

async function makeImage(path: string, sizeMiB: number): Promise<void> {
  const file = await open(path, 'w', 0o600)
  await file.truncate(sizeMiB * MIB)
  await file.close()
  await run([...MKFS, '--', path])
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r')
  await file.sync()
  await file.close()
}
