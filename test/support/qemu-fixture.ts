import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { imageRefSchema } from '../../src-shared/model/ids.ts'
import type { QemuDriverOptions } from '../../host-daemon/drivers/qemu/options.ts'
import { createQemuDriver } from '../../host-daemon/drivers/qemu/qemu-driver.ts'
import type { VmDriver } from '../../host-daemon/drivers/vm-driver.ts'
import { buildImage } from '../../host-daemon/images/build-image.ts'
import { createImageCatalogue, type ImageCatalogue } from '../../host-daemon/images/catalogue.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { SystemRandom } from '../../host-daemon/system/random.ts'

export const MINIMAL_IMAGE = imageRefSchema.parse('minimal@1')

const RECIPES = join(import.meta.dirname, '../../resources/images')

/** Where images and packages are kept between test runs; readable by every guest's uid. */
export function testCacheDirectory(): string {
  return process.env['PILOTHOUSE_TEST_CACHE'] ?? '/var/cache/pilothouse-test'
}

/** The minimal image, built unless it is up to date. Several test processes may ask at once. */
export async function minimalImage(): Promise<{ images: ImageCatalogue; imagesDirectory: string }> {
  const cache = testCacheDirectory()
  await mkdir(cache, { recursive: true, mode: 0o755 })
  const imagesDirectory = join(cache, 'images')
  const packageCacheDirectory = join(cache, 'packages')
  const clock = new SystemClock()
  await buildImage('minimal', {
    recipesDirectory: RECIPES,
    imagesDirectory,
    packageCacheDirectory,
    clock,
    ownPid: process.pid,
  })
  return { images: createImageCatalogue(imagesDirectory), imagesDirectory }
}

export interface QemuFixture {
  readonly driver: VmDriver
  readonly options: QemuDriverOptions
  readonly folder: string
  readonly imagesDirectory: string
  /** Another driver on the same folders, as a restarted daemon has it. */
  restart(): Promise<VmDriver>
  remove(): Promise<void>
}

/** A driver on folders of its own, with the cached image. Guests are the caller's to stop before `remove`. */
export async function makeQemuFixture(overrides: Partial<QemuDriverOptions> = {}): Promise<QemuFixture> {
  const { images, imagesDirectory } = await minimalImage()
  const folder = await mkdtemp('/tmp/pilothouse-qemu-')
  // Guests reach their own files below it under their own uid.
  await chmod(folder, 0o711)
  const options: QemuDriverOptions = {
    runDirectory: join(folder, 'run'),
    homesDirectory: join(folder, 'homes'),
    journalDirectory: join(folder, 'journals'),
    images,
    clock: new SystemClock(),
    random: new SystemRandom(),
    accelerator: 'auto',
    logger: { info: () => undefined, warn: (facts, says) => console.warn(says, facts) },
    ...overrides,
  }
  return {
    driver: await createQemuDriver(options),
    options,
    folder,
    imagesDirectory,
    restart: () => createQemuDriver(options),
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
