import { lstat, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { HomeTree } from '../../host-daemon/drivers/vm-driver.ts'
import { fakeTimeOf } from './fake-point-repository.ts'
import type { FakeHome } from './fake-machine.ts'

/** What is in a pretended home, by path below its root. */
export type FakeFiles = Readonly<Record<string, string>>

/** The name of the file that stands for `FakeHome.content`. */
const CONTENT_FILE = 'content'

export function filesOf({ content, files = {} }: Pick<FakeHome, 'content' | 'files'>): FakeFiles {
  return content === undefined ? files : { ...files, [CONTENT_FILE]: content }
}

/** Lays the files out as a real folder beside `folder`, and takes it away again with `close`. */
export async function layOut(folder: string, files: FakeFiles): Promise<HomeTree & { close(): Promise<void> }> {
  await mkdir(dirname(folder), { recursive: true })
  const path = await mkdtemp(`${folder}-`)
  for (const [name, content] of Object.entries(files)) {
    const at = join(path, name)
    await mkdir(dirname(at), { recursive: true })
    await writeFile(at, content)
    const seconds = fakeTimeOf(content) / 1000
    await utimes(at, seconds, seconds)
  }
  for (const at of await foldersOf(path)) await utimes(at, 1_700_000_000, 1_700_000_000)
  return {
    path,
    pathInside: folder,
    within: (program) => ['env', `--chdir=${path}`, ...program],
    close: () => rm(path, { recursive: true, force: true }),
  }
}

/** What is in the folder now. Only files and folders are looked at. */
export async function takeIn(path: string): Promise<Pick<FakeHome, 'content' | 'files'>> {
  const { [CONTENT_FILE]: content, ...files } = await read(path, '')
  return { ...(content === undefined ? {} : { content }), files }
}

async function read(root: string, folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of await readdir(join(root, folder))) {
    const path = folder === '' ? name : `${folder}/${name}`
    const stat = await lstat(join(root, path))
    if (stat.isDirectory()) Object.assign(found, await read(root, path))
    else if (stat.isFile()) found[path] = await readFile(join(root, path), 'utf8')
  }
  return found
}

async function foldersOf(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true })
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))
}
