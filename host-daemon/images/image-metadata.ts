import { z } from 'zod'
import type { Image } from '../../src-shared/model/image.ts'
import { timestampSchema } from '../../src-shared/model/environment.ts'
import { imageRefSchema, type ImageRef } from '../../src-shared/model/ids.ts'
import { readText } from '../system/file-parts.ts'
import { imageRecoverySchema } from './image-recovery.ts'

const hexSchema = z.string().regex(/^[0-9a-f]{64}$/)
/** Names inside the images' folder: never a path, never hidden. */
const plainNameSchema = z.string().regex(/^[a-z0-9][a-z0-9@._-]{0,127}$/)

const artefactSchema = z.object({ name: plainNameSchema, bytes: z.int().positive(), sha256: hexSchema })
export type Artefact = z.infer<typeof artefactSchema>

/**
 * What is known of one built image. Written last and whole: an image without readable metadata does not exist.
 * `superseded` lists the folders of earlier builds of this image that are still on disk.
 */
export const imageMetadataSchema = z.object({
  format: z.literal(1),
  ref: imageRefSchema,
  fingerprint: hexSchema,
  builtAt: timestampSchema,
  folder: plainNameSchema,
  kernel: artefactSchema,
  initrd: artefactSchema,
  /** The disk with the guest's system, where it is not the initrd alone. */
  root: artefactSchema.optional(),
  commandLine: z.array(z.string().regex(/^[\x21-\x7e]+$/)),
  packages: z.array(z.string()),
  superseded: z.array(plainNameSchema),
  ...imageRecoverySchema.shape,
})
export type ImageMetadata = z.infer<typeof imageMetadataSchema>

/** The files that an image consists of. */
export type Artefacts = Pick<ImageMetadata, 'kernel' | 'initrd' | 'root'>

export function artefactsOf({ kernel, initrd, root }: Artefacts): Artefact[] {
  return root === undefined ? [kernel, initrd] : [kernel, initrd, root]
}

export function toImage({ ref, fingerprint, builtAt, ...parts }: ImageMetadata): Image {
  return { ref, fingerprint, builtAt, bytes: artefactsOf(parts).reduce((sum, { bytes }) => sum + bytes, 0) }
}

export function metadataFileName(ref: ImageRef): string {
  return `${ref}.json`
}

/** Undefined where there is none, or none that can be read: such an image counts as absent and as changed. */
export async function readImageMetadata(path: string): Promise<ImageMetadata | undefined> {
  try {
    const parsed = imageMetadataSchema.safeParse(JSON.parse(await readText(path)))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}
