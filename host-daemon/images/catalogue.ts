import { join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import { imageRefSchema, type ImageRef } from '../../src-shared/model/ids.ts'
import type { Image } from '../../src-shared/model/image.ts'
import { namesIn } from '../system/folders.ts'
import { factsOf } from '../system/presence.ts'
import { imageRecoveryOf, type ImageRecovery } from './image-recovery.ts'
import {
  artefactsOf,
  metadataFileName,
  readImageMetadata,
  toImage,
  type Artefact,
  type Artefacts,
  type ImageMetadata,
} from './image-metadata.ts'
import { compareImageRefs } from './version-order.ts'

/** What a virtual machine needs of an image. Paths are absolute and readable by every guest's uid. */
export interface GuestImage {
  readonly ref: ImageRef
  readonly kernelPath: string
  readonly initrdPath: string
  /** The disk with its system, which every guest of the image only reads. */
  readonly rootPath?: string
  /** The image's own words of the kernel's command line. */
  readonly commandLine: readonly string[]
}

/** The images built on this host. Only whole ones exist: metadata readable, every file there and of the recorded size. */
export interface ImageCatalogue {
  /** By name, then by version order. */
  list(): Promise<Image[]>
  isUsable(ref: ImageRef): Promise<boolean>
  /** What its recipe says for recovery points; for an image that is not there, what holds of any. */
  recoveryOf(ref: ImageRef): Promise<ImageRecovery>
  /** Throws `not_found` where the image is absent or not whole. */
  resolve(ref: ImageRef): Promise<GuestImage>
}

/** Reads the images below `imagesDirectory` afresh at every call. */
export function createImageCatalogue(imagesDirectory: string): ImageCatalogue {
  return {
    list: async () => (await usableImages(imagesDirectory)).map(toImage),
    isUsable: async (ref) => (await usableMetadata(imagesDirectory, ref)) !== undefined,
    recoveryOf: async (ref) => imageRecoveryOf(await usableMetadata(imagesDirectory, ref)),
    resolve: async (ref) => {
      const metadata = await usableMetadata(imagesDirectory, ref)
      if (metadata !== undefined) return toGuestImage(imagesDirectory, metadata)
      throw new PilothouseError('not_found', `The image ${ref} is not on this host.`, {
        hint: 'Build it with: pilothoused image build, or choose one of the listed images.',
      })
    },
  }
}

/** The metadata of an image that is whole, or undefined. */
export async function usableMetadata(imagesDirectory: string, ref: ImageRef): Promise<ImageMetadata | undefined> {
  const metadata = await readImageMetadata(join(imagesDirectory, metadataFileName(ref)))
  if (metadata?.ref !== ref) return undefined
  return (await areWhole(join(imagesDirectory, metadata.folder), metadata)) ? metadata : undefined
}

/** Whether the folder holds these files, of the sizes given. */
export async function areWhole(folder: string, artefacts: Artefacts): Promise<boolean> {
  const whole = await Promise.all(artefactsOf(artefacts).map((artefact) => isWhole(folder, artefact)))
  return whole.every(Boolean)
}

async function usableImages(imagesDirectory: string): Promise<ImageMetadata[]> {
  const refs = (await namesIn(imagesDirectory)).flatMap((name) => {
    const ref = imageRefSchema.safeParse(name.replace(/\.json$/, ''))
    return name.endsWith('.json') && ref.success ? [ref.data] : []
  })
  const found = await Promise.all(refs.sort(compareImageRefs).map((ref) => usableMetadata(imagesDirectory, ref)))
  return found.filter((metadata) => metadata !== undefined)
}

async function isWhole(folder: string, artefact: Artefact): Promise<boolean> {
  try {
    const facts = await factsOf(join(folder, artefact.name))
    return facts?.isFile() === true && facts.size === artefact.bytes
  } catch {
    return false
  }
}

function toGuestImage(imagesDirectory: string, metadata: ImageMetadata): GuestImage {
  const folder = join(imagesDirectory, metadata.folder)
  return {
    ref: metadata.ref,
    kernelPath: join(folder, metadata.kernel.name),
    initrdPath: join(folder, metadata.initrd.name),
    ...(metadata.root === undefined ? {} : { rootPath: join(folder, metadata.root.name) }),
    commandLine: metadata.commandLine,
  }
}
