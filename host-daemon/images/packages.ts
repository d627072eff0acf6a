import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import { runProgram } from '../system/child.ts'
import { isAbsence } from '../system/presence.ts'
import { sha256 } from './recipe.ts'

const QUERY_TIMEOUT_MS = 30_000
const DOWNLOAD_TIMEOUT_MS = 600_000
const EXTRACT_TIMEOUT_MS = 120_000
const MAX_KERNEL_HOPS = 3

/** One exact package, as the host's package lists describe it. */
export interface DebianPackage {
  readonly name: string
  readonly version: string
  readonly sha256: string
  readonly depends: string
}

/** Looks packages up in the host's package lists; asks no network. Of each list the first known name is taken. */
export async function lookUpPackages(
  alternatives: readonly (readonly string[])[],
  signal?: AbortSignal,
): Promise<DebianPackage[]> {
  const known = await showPackages(alternatives.flat(), signal)
  return alternatives.map((names) => {
    const found = names.map((name) => known.get(name)).find((candidate) => candidate !== undefined)
    if (found !== undefined) return found
    throw new PilothouseError('engine_failed', `The host's package lists know no package ${names.join(' or ')}.`, {
      hint: 'Run apt-get update on the host, then build again.',
    })
  })
}

/** Follows a kernel's meta package to the package with the kernel in it. */
export async function followKernel(meta: DebianPackage, signal?: AbortSignal): Promise<DebianPackage> {
  let found = meta
  for (let hop = 0; hop < MAX_KERNEL_HOPS; hop += 1) {
    if (/^linux-image-[0-9]/.test(found.name)) return found
    const next = /\b(linux-image-[0-9a-z][a-z0-9+.-]*)/.exec(found.depends)?.[1]
    if (next === undefined) break
    const [followed] = await lookUpPackages([[next]], signal)
    found = followed ?? found
  }
  throw new PilothouseError('engine_failed', `No kernel package was found behind ${meta.name}.`)
}

async function showPackages(names: readonly string[], signal?: AbortSignal): Promise<Map<string, DebianPackage>> {
  const { stdout } = await runProgram({
    file: 'apt-cache',
    args: ['show', '--no-all-versions', '--', ...names],
    // 100: some of the names are unknown, the others are shown all the same.
    expectedExits: [0, 100],
    timeoutMs: QUERY_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  })
  const packages = parsePackages(stdout.toString('utf8'))
  return new Map(packages.map((found) => [found.name, found]))
}

/** The packages that an excerpt of a package list describes, each with the text that does. */
export function parsePackages(list: string): (DebianPackage & { readonly stanza: string })[] {
  return list.split('\n\n').flatMap((text) => parseStanza(text.trim()).map((one) => ({ ...one, stanza: text.trim() })))
}

function parseStanza(stanza: string): DebianPackage[] {
  const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(stanza)?.[1]
  const [name, version, digest] = [field('Package'), field('Version'), field('SHA256')]
  if (name === undefined || version === undefined || digest === undefined) return []
  return [{ name, version, sha256: digest, depends: field('Depends') ?? '' }]
}

/**
 * Makes sure that the packages are in the cache, whole, and returns their paths, in the same order. Cached ones need
 * no network. Each is named by its hash, so that a file of that name is that package.
 */
export async function fetchPackages(
  wanted: readonly DebianPackage[],
  cacheDirectory: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const pathOf = (one: DebianPackage): string => join(cacheDirectory, `${one.sha256}.deb`)
  const absent: DebianPackage[] = []
  for (const one of wanted) if (!(await hasDigest(pathOf(one), one.sha256))) absent.push(one)
  if (absent.length > 0) await download(absent, cacheDirectory, signal)
  return wanted.map(pathOf)
}

async function download(
  absent: readonly DebianPackage[],
  cacheDirectory: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  await mkdir(cacheDirectory, { recursive: true })
  const folder = await mkdtemp(join(cacheDirectory, '.download-'))
  try {
    await runProgram({
      file: 'apt-get',
      // Without the sandbox user: it could not write below a private folder.
      args: ['-q', '-o', 'APT::Sandbox::User=root', 'download', ...absent.map((one) => `${one.name}=${one.version}`)],
      workingDirectory: folder,
      timeoutMs: DOWNLOAD_TIMEOUT_MS,
      ...(signal === undefined ? {} : { signal }),
    })
    await adoptDownloads(folder, cacheDirectory, absent)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A file is known by its content: apt alone decides what it is called. */
async function adoptDownloads(folder: string, cacheDirectory: string, absent: readonly DebianPackage[]): Promise<void> {
  const found = new Map<string, string>()
  for (const name of await readdir(folder)) found.set(sha256(await readFile(join(folder, name))), name)
  for (const { name, version, sha256: digest } of absent) {
    const file = found.get(digest)
    if (file === undefined)
      throw new PilothouseError(
        'engine_failed',
        `The download of ${name} ${version} is not what the package lists promise.`,
        { hint: 'Run apt-get update on the host, then build again.' },
      )
    await rename(join(folder, file), join(cacheDirectory, `${digest}.deb`))
  }
}

async function hasDigest(path: string, digest: string): Promise<boolean> {
  try {
    return sha256(await readFile(path)) === digest
  } catch (error) {
    if (isAbsence(error)) return false
    throw error
  }
}

/** Unpacks the package's files below `root`; runs nothing of it. */
export async function extractPackage(debPath: string, root: string, signal?: AbortSignal): Promise<void> {
  await runProgram({
    file: 'dpkg-deb',
    args: ['--extract', debPath, root],
    timeoutMs: EXTRACT_TIMEOUT_MS,
    ...(signal === undefined ? {} : { signal }),
  })
}
