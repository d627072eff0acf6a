import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { z } from 'zod'
import { PilothouseError } from '../../src-shared/error.ts'
import { imageRefSchema, type ImageRef } from '../../src-shared/model/ids.ts'
import { imageRecoverySchema } from './image-recovery.ts'

const packageNameSchema = z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/)
/** The first of these that the host's package lists know is used. */
const alternativesSchema = z.array(packageNameSchema).min(1)
const guestPathSchema = z
  .string()
  .regex(/^[a-z0-9][a-zA-Z0-9_./-]*$/)
  .refine((path) => !path.includes('..'))

const recipeSchema = z.strictObject({
  name: z.string(),
  version: z.string(),
  /** A package that depends on the newest kernel package, or is one. */
  kernelPackage: alternativesSchema,
  packages: z.array(alternativesSchema),
  /** Copied to /lib/modules/NAME.ko; the init loads them. One that is built into the kernel is left out. */
  modules: z.array(z.string().regex(/^[a-z0-9_-]+$/)),
  /** Program name in the packages → where the guest has it; shared libraries follow by themselves. */
  programs: z.record(z.string(), guestPathSchema),
  /** Copied as they are from the packages, to the same path; `usr/` may stand before it there. */
  files: z.array(guestPathSchema),
  directories: z.array(guestPathSchema),
  commandLine: z.array(z.string().regex(/^[\x21-\x7e]+$/)),
  /** What a system of its own is installed from, beside the kernel's first one; without it there is none. */
  system: z.strictObject({ packages: z.array(alternativesSchema).min(1) }).optional(),
  ...imageRecoverySchema.shape,
})
type RecipeFile = z.infer<typeof recipeSchema>

export interface OverlayFile {
  /** Relative to the guest's root. */
  readonly path: string
  readonly isExecutable: boolean
  readonly content: Buffer
}

/** A Debian system on a disk of its own, which the guest's first init hands over to. */
export interface SystemRecipe {
  /** Beside what Debian calls essential; what they depend on follows by itself, what they recommend does not. */
  readonly packages: readonly (readonly string[])[]
  /** Files of the recipe's own, put over those of the packages. */
  readonly overlay: readonly OverlayFile[]
  /** Shell commands that root runs in the installed system, at the end. */
  readonly setup: string
}

/** What an image is made of, before anything is looked up. */
export interface Recipe extends Omit<RecipeFile, 'name' | 'version' | 'system'> {
  readonly ref: ImageRef
  /** Files of the recipe's own for the guest's first root, in a stable order. */
  readonly overlay: readonly OverlayFile[]
  readonly system?: SystemRecipe
}

/**
 * Reads a recipe's folder: `recipe.json`, everything below `root/`, and for one with a system everything below
 * `system/` and the file `system-setup`.
 */
export async function readRecipe(recipeDirectory: string): Promise<Recipe> {
  const text = await readFile(join(recipeDirectory, 'recipe.json'), 'utf8').catch((cause: unknown) => {
    throw new PilothouseError('not_found', `There is no image recipe in ${recipeDirectory}.`, { cause })
  })
  const { name, version, system, ...parts } = recipeSchema.parse(JSON.parse(text))
  return {
    ...parts,
    ref: imageRefSchema.parse(`${name}@${version}`),
    overlay: await readOverlay(join(recipeDirectory, 'root')),
    ...(system === undefined ? {} : { system: await readSystem(recipeDirectory, system.packages) }),
  }
}

async function readSystem(recipeDirectory: string, packages: SystemRecipe['packages']): Promise<SystemRecipe> {
  return {
    packages,
    overlay: await readOverlay(join(recipeDirectory, 'system')),
    setup: await readFile(join(recipeDirectory, 'system-setup'), 'utf8'),
  }
}

async function readOverlay(root: string): Promise<OverlayFile[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
  return await Promise.all(
    paths.sort().map(async (path) => {
      const { mode } = await stat(join(root, path))
      return { path, isExecutable: (mode & 0o100) !== 0, content: await readFile(join(root, path)) }
    }),
  )
}

/** Stands for every byte and mode of the recipe. */
export function recipeDigest(recipe: Recipe): string {
  const { overlay, system } = recipe
  const ofSystem = system === undefined ? undefined : { ...system, overlay: digests(system.overlay) }
  return sha256(JSON.stringify({ ...recipe, overlay: digests(overlay), system: ofSystem }))
}

function digests(overlay: readonly OverlayFile[]): unknown[] {
  return overlay.map(({ path, isExecutable, content }) => [path, isExecutable, sha256(content)])
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** The same of a file of any size. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
