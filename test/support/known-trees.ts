import { createHash } from 'node:crypto'
import {
  chmod,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../../host-daemon/system/child.ts'
import type { seededRandom } from './seeded-random.ts'

type Random = ReturnType<typeof seededRandom>

const PROGRAM_MS = 60_000
const FILES = 40
const LARGEST = 120_000
const BASE_TIME = 1_700_000_000

/** Makes a folder full of files, links and folders that no other seed makes. */
export async function makeTree(random: Random): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'ph-tree-'))
  for (let index = 0; index < FILES; index += 1) {
    const folder = join(root, `d${random.int(4)}`, `e${random.int(3)}`)
    await mkdir(folder, { recursive: true })
    const path = join(folder, `f${index}`)
    await writeFile(path, bytesOf(random))
    await chmod(path, random.pick([0o600, 0o644, 0o755]))
    await utimes(path, BASE_TIME + index, BASE_TIME + index)
    if (index % 10 === 3) await symlink(`../e0/f${index - 1}`, join(folder, `link${index}`))
    if (index % 10 === 7) await link(path, join(folder, `hard${index}`))
  }
  await mkdir(join(root, 'empty'))
  return root
}

function bytesOf(random: Random): Buffer {
  const block = Buffer.alloc(64)
  for (let at = 0; at < block.length; at += 1) block[at] = random.int(256)
  return Buffer.alloc(random.int(LARGEST) + 1, block)
}

/** One line for everything in the tree, hard-linked files included: path, kind, mode, content's hash. */
export async function fingerprintOf(root: string, folder = ''): Promise<string[]> {
  const lines: string[] = []
  for (const name of (await readdir(join(root, folder))).sort()) {
    if (folder === '' && name === 'lost+found') continue
    const path = `${folder}/${name}`
    const stat = await lstat(join(root, path))
    const mode = (stat.mode & 0o7777).toString(8)
    if (stat.isDirectory()) lines.push(`${path} folder`, ...(await fingerprintOf(root, path)))
    else if (stat.isSymbolicLink()) lines.push(`${path} -> ${await readlink(join(root, path))}`)
    else lines.push(`${path} ${mode} ${hashOf(await readFile(join(root, path)))}`)
  }
  return lines
}

/** Replaces everything in the image of a guest that is stopped. The file system is made anew, in user space. */
export async function putTree(image: string, root: string): Promise<void> {
  const { size, uid, gid } = await lstat(image)
  const args = ['-q', '-F', '-m', '0', '-L', 'home', '-E', 'root_owner=0:0', '-d', root, '--', image]
  await runProgram({ file: 'truncate', args: ['-s', '0', '--', image], timeoutMs: PROGRAM_MS })
  await runProgram({ file: 'truncate', args: ['-s', String(size), '--', image], timeoutMs: PROGRAM_MS })
  await runProgram({ file: 'mkfs.ext4', args, timeoutMs: PROGRAM_MS })
  await runProgram({ file: 'chown', args: [`${uid}:${gid}`, '--', image], timeoutMs: PROGRAM_MS })
}

/** Reads an image, in use or not, with nothing mounted and nothing changed. */
export async function readTree(image: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'ph-read-'))
  try {
    await runProgram({ file: 'debugfs', args: ['-R', `rdump / ${folder}`, image], timeoutMs: PROGRAM_MS })
    return await fingerprintOf(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function hashOf(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex').slice(0, 16)
}
