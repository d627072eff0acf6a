import { readFile } from 'node:fs/promises'
import { runProgram } from './child.ts'

const MOUNT_TIMEOUT_MS = 30_000

/** What is mounted at exactly this path, seen from this process: its source, or undefined. */
export async function mountedAt(path: string): Promise<string | undefined> {
  const table = await readFile('/proc/self/mountinfo', 'utf8')
  const sources = table
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => unescapeOctal(fields[4] ?? '') === path)
    .map((fields) => unescapeOctal(fields[fields.indexOf('-') + 2] ?? ''))
  return sources.at(-1)
}

/** Spaces and the like are written as `\040` in the kernel's table. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))
}

/** The loop device that has this very file behind it already, in whatever mount namespace; undefined for none. */
export async function loopDeviceOf(imagePath: string): Promise<string | undefined> {
  const args = ['--noheadings', '--output', 'NAME', '--associated', imagePath]
  const { stdout } = await runProgram({ file: 'losetup', args, timeoutMs: MOUNT_TIMEOUT_MS })
  const device = stdout.toString('utf8').trim().split('\n')[0] ?? ''
  return device === '' ? undefined : device
}

/**
 * Mounts a file-system image for data alone. A device that has the image already is used again: two devices on one
 * image would write over each other.
 */
export async function mountImage(imagePath: string, directory: string): Promise<void> {
  const device = await loopDeviceOf(imagePath)
  const options = 'nosuid,nodev,noexec,noatime'
  const args =
    device === undefined
      ? ['-t', 'ext4', '-o', `loop,${options}`, '--', imagePath, directory]
      : ['-t', 'ext4', '-o', options, '--', device, directory]
  await runProgram({ file: 'mount', args, timeoutMs: MOUNT_TIMEOUT_MS })
}

/** False where it is still in use. */
export async function unmount(directory: string): Promise<boolean> {
  const { exitCode } = await runProgram({
    file: 'umount',
    args: ['--', directory],
    expectedExits: [0, 32],
    timeoutMs: MOUNT_TIMEOUT_MS,
  })
  return exitCode === 0
}
