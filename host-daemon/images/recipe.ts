import { createHash } from 'node:crypto'
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
  ...imageRecoverySchema.shape,
})
type RecipeFile = z.infer<typeof recipeSchema>

export interface OverlayFile {
  /** Relative to the guest's root. */
  readonly path: string
  readonly isExecutable: boolean
  readonly content: Buffer
}

/** What an image is made of, before anything is looked up. */
export interface Recipe extends Omit<RecipeFile, 'name' | 'version'> {
  readonly ref: ImageRef
  /** Files of the recipe's own, in a stable order. */
  readonly overlay: readonly OverlayFile[]
}

/** Reads `recipe.json` and everything below `root/` of a recipe's folder. */
export async function readRecipe(recipeDirectory: string): Promise<Recipe> {
  const text = await readFile(join(recipeDirectory, 'recipe.json'), 'utf8').catch((cause: unknown) => {
    throw new PilothouseError('not_found', `There is no image recipe in ${recipeDirectory}.`, { cause })
  })
  const { name, version, ...parts } = recipeSchema.parse(JSON.parse(text))
  return {
    ...parts,
    ref: imageRefSchema.parse(`${name}@${version}`),
    overlay: await readOverlay(join(recipeDirectory, 'root')),
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
  const overlay = recipe.overlay.map(({ path, isExecutable, content }) => [path, isExecutable, sha256(content)])
  return sha256(JSON.stringify({ ...recipe, overlay }))
}

export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
