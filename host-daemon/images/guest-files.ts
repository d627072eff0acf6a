import { readdir, readFile, realpath } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import { runProgram } from '../system/child.ts'
import { namesIn } from '../system/folders.ts'
import type { CpioEntry } from './cpio.ts'
import type { Recipe } from './recipe.ts'

const TRIPLET = 'x86_64-linux-gnu'
const PROGRAM_FOLDERS = ['usr/bin', 'bin', 'usr/sbin', 'sbin', 'usr/local/bin']
const LIBRARY_FOLDERS = [`lib/${TRIPLET}`, `usr/lib/${TRIPLET}`]
const MODULE_FOLDERS = ['lib/modules', 'usr/lib/modules']
const LOADER = 'ld-linux-x86-64.so.2'
const PROGRAM_TIMEOUT_MS = 30_000
const MODULE_LIMIT_BYTES = 64 * 1024 * 1024

type GuestFile = Extract<CpioEntry, { kind: 'file' }>

/** Everything the guest's root holds, parents first, in a stable order. `root` has the packages unpacked. */
export async function guestEntries(recipe: Recipe, root: string): Promise<CpioEntry[]> {
  const programs = await Promise.all(
    Object.entries(recipe.programs).map(async ([name, path]) => ({ source: await findProgram(root, name), path })),
  )
  const files: GuestFile[] = [
    ...recipe.overlay.map(({ path, isExecutable, content }) => toFile(path, content, isExecutable)),
    ...(await Promise.all(programs.map(async ({ source, path }) => toFile(path, await readFile(source), true)))),
    ...(await sharedLibraries(
      root,
      programs.map(({ source }) => source),
    )),
    ...(await Promise.all(recipe.files.map(async (path) => toFile(path, await readPackaged(root, path), false)))),
    ...(await kernelModules(recipe.modules, root)),
  ]
  return withDirectories(files, recipe.directories)
}

/** The kernel image the packages brought along. */
export async function readBzImage(root: string): Promise<Buffer> {
  const boot = join(root, 'boot')
  const name = (await readdir(boot)).find((file) => file.startsWith('vmlinuz-'))
  if (name === undefined) throw missing('kernel', 'boot')
  return await readFile(join(boot, name))
}

function toFile(path: string, content: Buffer, isExecutable: boolean): GuestFile {
  return { kind: 'file', path, mode: isExecutable ? 0o755 : 0o644, content }
}

function withDirectories(files: readonly GuestFile[], directories: readonly string[]): CpioEntry[] {
  const folders = new Set(directories.flatMap((path) => [...parentsOf(path), path]))
  for (const { path } of files) for (const parent of parentsOf(path)) folders.add(parent)
  const shells = files.some(({ path }) => path === 'bin/busybox')
    ? [{ kind: 'link', path: 'bin/sh', target: 'busybox' } as const]
    : []
  return [
    ...[...folders].sort().map((path) => ({ kind: 'directory', path, mode: 0o755 }) as const),
    ...[...files].sort((a, b) => (a.path < b.path ? -1 : 1)),
    ...shells,
  ]
}

function parentsOf(path: string): string[] {
  const parent = dirname(path)
  return parent === '.' ? [] : [...parentsOf(parent), parent]
}

async function readPackaged(root: string, path: string): Promise<Buffer> {
  for (const candidate of [path, `usr/${path}`]) {
    const content = await readFile(join(root, candidate)).catch(() => undefined)
    if (content !== undefined) return content
  }
  throw missing('file', path)
}

async function findProgram(root: string, name: string): Promise<string> {
  for (const folder of PROGRAM_FOLDERS) {
    const names = await namesIn(join(root, folder))
    if (names.includes(name)) return join(root, folder, name)
  }
  throw missing('program', name)
}

/** The libraries of all programs together with the loader, found by the packages' own loader and nowhere else. */
async function sharedLibraries(root: string, programs: readonly string[]): Promise<GuestFile[]> {
  const loader = await findLibrary(root, LOADER)
  const found = new Map<string, string>()
  for (const program of programs) {
    const libraries = await librariesOf(program, { loader, root })
    for (const library of libraries) found.set(basename(library), library)
  }
  const libraries = [...found].map(async ([name, path]) => toFile(`lib/${TRIPLET}/${name}`, await readFile(path), true))
  return [toFile(`lib64/${LOADER}`, await readFile(loader), true), ...(await Promise.all(libraries))]
}

async function librariesOf(program: string, { loader, root }: { loader: string; root: string }): Promise<string[]> {
  const verified = await runProgram({
    file: loader,
    args: ['--verify', program],
    expectedExits: [0, 1, 2],
    timeoutMs: PROGRAM_TIMEOUT_MS,
  })
  const isStatic = verified.exitCode === 1
  if (isStatic) return []
  const path = LIBRARY_FOLDERS.map((folder) => join(root, folder)).join(':')
  const { stdout } = await runProgram({
    file: loader,
    args: ['--inhibit-cache', '--library-path', path, '--list', program],
    expectedExits: [0, 127],
    timeoutMs: PROGRAM_TIMEOUT_MS,
  })
  const lines = stdout.toString('utf8').split('\n')
  const resolved = lines
    .map((line) => /^\s*(\S+) => (.+?)(?: \(0x[0-9a-f]+\))?$/.exec(line))
    .filter((match) => match !== null)
  return resolved
    .filter(([, name]) => !name?.endsWith(LOADER))
    .map(([, name = '', path = '']) => insideRoot(root, name, path))
}

function insideRoot(root: string, name: string, path: string): string {
  if (path.startsWith(`${root}/`)) return path
  throw missing('library', name)
}

async function findLibrary(root: string, name: string): Promise<string> {
  for (const folder of LIBRARY_FOLDERS) {
    const names = await namesIn(join(root, folder))
    if (names.includes(name)) return await realpath(join(root, folder, name))
  }
  throw missing('library', name)
}

async function kernelModules(names: readonly string[], root: string): Promise<GuestFile[]> {
  const modules = await moduleFolder(root)
  const paths = await readdir(modules, { recursive: true })
  const builtIn = await readFile(join(modules, 'modules.builtin'), 'utf8').catch(() => '')
  const found = names.map(async (name) => {
    const path = paths.find((candidate) => moduleName(candidate) === normal(name))
    if (path !== undefined) return [toFile(`lib/modules/${name}.ko`, await readModule(join(modules, path)), false)]
    if (builtIn.split('\n').some((line) => moduleName(line) === normal(name))) return []
    throw missing('kernel module', name)
  })
  return (await Promise.all(found)).flat()
}

async function moduleFolder(root: string): Promise<string> {
  for (const folder of MODULE_FOLDERS) {
    const [release] = (await namesIn(join(root, folder))).sort()
    if (release !== undefined) return join(root, folder, release)
  }
  throw missing('folder', 'lib/modules')
}

/** The same module is spelled with dashes in one place and underscores in another. */
function normal(name: string): string {
  return name.replaceAll('-', '_')
}

function moduleName(path: string): string | undefined {
  const name = /([^/]+)\.ko(?:\.xz)?$/.exec(path)?.[1]
  return name === undefined ? undefined : normal(name)
}

async function readModule(path: string): Promise<Buffer> {
  if (!path.endsWith('.xz')) return await readFile(path)
  const unpacked = await runProgram({
    file: 'xz',
    args: ['--decompress', '--stdout', '--', path],
    timeoutMs: PROGRAM_TIMEOUT_MS,
    stdoutLimit: MODULE_LIMIT_BYTES,
  })
  return unpacked.stdout
}

function missing(what: string, name: string): PilothouseError {
  return new PilothouseError('engine_failed', `The image's packages bring no ${what} ${name}.`)
}
