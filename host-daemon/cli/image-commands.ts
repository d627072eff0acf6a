import { dirname, join } from 'node:path'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { Settings } from '../config/settings.ts'
import { buildImage } from '../images/build-image.ts'
import { createImageCatalogue } from '../images/catalogue.ts'
import { isSeen } from '../system/presence.ts'
import { stateLayout } from '../system/state-directory.ts'

/** Where lines for people and scripts go. */
export interface Terminal {
  out(line: string): void
  error(line: string): void
}

/** Builds an image into the state directory, or finds it up to date. Throws what went wrong. */
export async function buildNamedImage(
  name: string,
  settings: Settings,
  { clock, terminal }: { readonly clock: Clock; readonly terminal: Terminal },
): Promise<void> {
  const { images, packages } = stateLayout(settings.stateDirectory)
  const { image, isRebuilt } = await buildImage(name, {
    recipesDirectory: await recipesDirectory(),
    imagesDirectory: images,
    packageCacheDirectory: packages,
    clock,
    ownPid: process.pid,
    onProgress: (says) => terminal.error(says),
  })
  terminal.out(`${image.ref} ${isRebuilt ? 'built' : 'up to date'} ${image.fingerprint}`)
}

export async function listImages(settings: Settings, terminal: Terminal): Promise<void> {
  const images = await createImageCatalogue(stateLayout(settings.stateDirectory).images).list()
  for (const { ref, bytes, builtAt, fingerprint } of images)
    terminal.out([ref, String(bytes), new Date(builtAt).toISOString(), fingerprint].join('\t'))
}

/** The recipes lie beside the program, whether it runs from its sources or as one file. */
async function recipesDirectory(): Promise<string> {
  let folder = import.meta.dirname
  while (!(await isSeen(join(folder, 'resources', 'images')))) {
    if (folder === dirname(folder))
      throw new Error('the image recipes (resources/images) are missing beside the program')
    folder = dirname(folder)
  }
  return join(folder, 'resources', 'images')
}
