import { chmod, mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { Image } from '../../src-shared/model/image.ts'
import { syncDirectory, writeFileAtomic } from '../system/files.ts'
import { takeBuildFolder } from './build-folder.ts'
import { usableMetadata } from './catalogue.ts'
import { cpioArchive } from './cpio.ts'
import { guestEntries, readBzImage } from './guest-files.ts'
import {
  artefactsOf,
  metadataFileName,
  readImageMetadata,
  toImage,
  type Artefact,
  type Artefacts,
  type ImageMetadata,
} from './image-metadata.ts'
import { extractVmlinux } from './kernel.ts'
import { extractPackage, fetchPackages, followKernel, lookUpPackages, type DebianPackage } from './packages.ts'
import { fileDigest, readRecipe, recipeDigest, sha256, type Recipe } from './recipe.ts'
import { rootDisk } from './root-disk.ts'
import { resolveSystem, type SystemPackage } from './system-packages.ts'
import { installSystem } from './system-root.ts'

/** Raised whenever the same inputs are put together differently. */
const BUILDER_VERSION = 1

export interface BuildOptions {
  /** Holds one folder per recipe. */
  readonly recipesDirectory: string
  /** Where images live; readable by every guest's uid. */
  readonly imagesDirectory: string
  /** Downloaded packages; with all of them there, a build needs no network. */
  readonly packageCacheDirectory: string
  readonly clock: Clock
  /** The builder's own process, so that what it leaves behind when killed is known as nobody's. */
  readonly ownPid: number
  readonly signal?: AbortSignal
  /** One plain sentence per step. */
  readonly onProgress?: (says: string) => void
}

export interface BuildResult {
  readonly image: Image
  /** False where every input was as before, and nothing was done. */
  readonly isRebuilt: boolean
}

interface Inputs {
  readonly recipe: Recipe
  readonly packages: readonly DebianPackage[]
  /** All that the guest's system consists of; none where it has none of its own. */
  readonly systemPackages: readonly SystemPackage[]
  readonly fingerprint: string
}

/**
 * Builds an image from Debian packages, as root, unless the one at hand was made of the very same inputs.
 * The new one takes the old one's place whole or not at all. Meant for a process of its own: it computes for
 * tenths of a second at a time.
 */
export async function buildImage(name: string, options: BuildOptions): Promise<BuildResult> {
  const say = options.onProgress ?? (() => undefined)
  const inputs = await gatherInputs(join(options.recipesDirectory, name), options.signal)
  const { ref } = inputs.recipe
  const current = await usableMetadata(options.imagesDirectory, ref)
  if (current?.fingerprint === inputs.fingerprint) {
    say(`${ref} is up to date.`)
    return { image: toImage(current), isRebuilt: false }
  }
  await mkdir(options.imagesDirectory, { recursive: true, mode: 0o755 })
  const work = await takeBuildFolder(options.imagesDirectory, ref, options.ownPid)
  try {
    return { image: toImage(await build(inputs, { ...options, workDirectory: work.path })), isRebuilt: true }
  } finally {
    await work.release()
  }
}

async function gatherInputs(recipeDirectory: string, signal?: AbortSignal): Promise<Inputs> {
  const recipe = await readRecipe(recipeDirectory)
  const [kernel, ...others] = await lookUpPackages([recipe.kernelPackage, ...recipe.packages], signal)
  const packages = kernel === undefined ? others : [await followKernel(kernel, signal), ...others]
  const systemPackages = recipe.system === undefined ? [] : await resolveSystem(recipe.system.packages, signal)
  const identity = [...packages, ...systemPackages].map((one) => [one.name, one.version, one.sha256])
  const fingerprint = sha256(JSON.stringify([BUILDER_VERSION, recipeDigest(recipe), identity]))
  return { recipe, packages, systemPackages, fingerprint }
}

type Work = BuildOptions & { readonly workDirectory: string }

async function build(inputs: Inputs, work: Work): Promise<ImageMetadata> {
  const say = work.onProgress ?? (() => undefined)
  const root = join(work.workDirectory, 'root')
  await mkdir(root)
  const debs = await fetchPackages(inputs.packages, work.packageCacheDirectory, work.signal)
  for (const [index, deb] of debs.entries()) {
    say(`Unpacking ${inputs.packages[index]?.name} ${inputs.packages[index]?.version}.`)
    await extractPackage(deb, root, work.signal)
  }
  say('Putting the image together.')
  const bzImage = await readBzImage(root)
  const initrd = cpioArchive(await guestEntries(inputs.recipe, root))
  const output = join(work.workDirectory, 'output')
  await mkdir(output, { mode: 0o755 })
  const artefacts = {
    kernel: await writeArtefact(output, 'kernel', extractVmlinux(bzImage) ?? bzImage),
    // Not compressed: unpacking takes longer than reading it, under emulation by a tenth of a second and more.
    initrd: await writeArtefact(output, 'initrd.cpio', initrd),
    ...(await systemArtefact(inputs, work, output)),
  }
  work.signal?.throwIfAborted()
  return await publish(inputs, artefacts, work)
}

async function systemArtefact(inputs: Inputs, work: Work, output: string): Promise<Pick<Artefacts, 'root'>> {
  const { system } = inputs.recipe
  if (system === undefined) return {}
  work.onProgress?.(`Installing a system of ${inputs.systemPackages.length} packages, which takes a minute or more.`)
  const debs = await fetchPackages(inputs.systemPackages, work.packageCacheDirectory, work.signal)
  const packages = inputs.systemPackages.map((one, index) => ({ ...one, deb: debs[index] ?? '' }))
  const tree = await installSystem({ system, packages }, work.workDirectory, work.signal)
  return { root: await rootDisk({ tree, output, seed: inputs.fingerprint }, work.signal) }
}

async function writeArtefact(folder: string, name: string, content: Buffer): Promise<Artefact> {
  const file = await open(join(folder, name), 'wx', 0o644)
  try {
    await file.chmod(0o644)
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  return { name, bytes: content.length, sha256: sha256(content) }
}

async function publish(inputs: Inputs, artefacts: Artefacts, work: Work): Promise<ImageMetadata> {
  const { ref, commandLine, identity, check } = inputs.recipe
  const metadataPath = join(work.imagesDirectory, metadataFileName(ref))
  const previous = await readImageMetadata(metadataPath)
  const folder = `${ref}-${inputs.fingerprint.slice(0, 16)}`
  await putInPlace(join(work.workDirectory, 'output'), join(work.imagesDirectory, folder), artefacts)
  await syncDirectory(work.imagesDirectory)
  const metadata: ImageMetadata = {
    format: 1,
    ref,
    fingerprint: inputs.fingerprint,
    builtAt: work.clock.now(),
    folder,
    ...artefacts,
    commandLine,
    packages: [...inputs.packages, ...inputs.systemPackages].map(({ name, version }) => `${name} ${version}`),
    superseded: previous === undefined || previous.folder === folder ? [] : [previous.folder],
    identity,
    check,
  }
  await writeFileAtomic(metadataPath, JSON.stringify(metadata, null, 2), { mode: 0o644 })
  await removeSuperseded(previous, metadata, work.imagesDirectory)
  return metadata
}

/** A folder of that name and content is the very same build, by another builder perhaps, and in use perhaps. */
async function putInPlace(output: string, target: string, artefacts: Artefacts): Promise<void> {
  if (await areAt(target, artefacts)) return
  await chmod(output, 0o755)
  await syncDirectory(output)
  await rm(target, { recursive: true, force: true })
  await rename(output, target)
}

/** Byte for byte: a system's disk does not come out the same twice, and the metadata describes this build's. */
async function areAt(folder: string, artefacts: Artefacts): Promise<boolean> {
  for (const { name, sha256: digest } of artefactsOf(artefacts)) {
    if ((await fileDigest(join(folder, name)).catch(() => '')) !== digest) return false
  }
  return true
}

/** The build just replaced stays one round longer: a guest may be starting from it now. Older ones go, by record. */
async function removeSuperseded(
  previous: ImageMetadata | undefined,
  current: ImageMetadata,
  imagesDirectory: string,
): Promise<void> {
  const kept = new Set([current.folder, ...current.superseded])
  for (const folder of previous?.superseded ?? []) {
    if (!kept.has(folder)) await rm(join(imagesDirectory, folder), { recursive: true, force: true })
  }
}
