import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildImage, type BuildResult } from '../../host-daemon/images/build-image.ts'
import { createImageCatalogue } from '../../host-daemon/images/catalogue.ts'
import { lookUpPackages } from '../../host-daemon/images/packages.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { MINIMAL_IMAGE, minimalImage, testCacheDirectory } from '../support/qemu-fixture.ts'

const BUILD_TEST_MS = 120_000

describe('building the minimal image', () => {
  let folder = ''
  beforeAll(async () => {
    await minimalImage()
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-build-'))
    await cp(join(import.meta.dirname, '../../resources/images'), join(folder, 'recipes'), { recursive: true })
  }, BUILD_TEST_MS)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const build = (options: { signal?: AbortSignal } = {}): Promise<BuildResult> =>
    buildImage('minimal', {
      recipesDirectory: join(folder, 'recipes'),
      imagesDirectory: join(folder, 'images'),
      packageCacheDirectory: join(testCacheDirectory(), 'packages'),
      clock: new SystemClock(),
      ownPid: process.pid,
      ...options,
    })
  const visible = async (): Promise<string[]> => (await readdir(join(folder, 'images'))).sort()

  it(
    'builds once, rebuilds after any change of an input, and keeps one superseded build',
    async () => {
      const started = performance.now()
      const first = await build()
      expect(performance.now() - started).toBeLessThan(60_000)
      expect(first.isRebuilt).toBe(true)
      expect(await build()).toEqual({ image: first.image, isRebuilt: false })

      const profile = join(folder, 'recipes/minimal/root/etc/profile')
      await writeFile(profile, `${await readFile(profile, 'utf8')}# changed\n`)
      const second = await build()
      expect(second.isRebuilt).toBe(true)
      expect(second.image.fingerprint).not.toBe(first.image.fingerprint)
      const folderOf = ({ image }: BuildResult): string => `${image.ref}-${image.fingerprint.slice(0, 16)}`
      expect(await visible()).toEqual([folderOf(first), folderOf(second), 'minimal@1.json'].sort())

      await writeFile(join(folder, 'images/minimal@1.json'), '')
      const third = await build()
      expect(third.isRebuilt).toBe(true)
      expect(third.image.fingerprint).toBe(second.image.fingerprint)
      expect(await createImageCatalogue(join(folder, 'images')).isUsable(MINIMAL_IMAGE)).toBe(true)
    },
    BUILD_TEST_MS,
  )

  it(
    'leaves the image at hand and nothing else when it is aborted',
    async () => {
      await mkdir(join(folder, 'images'), { recursive: true })
      const before = await visible()
      const profile = join(folder, 'recipes/minimal/root/etc/profile')
      await writeFile(profile, `${await readFile(profile, 'utf8')}# changed again\n`)
      const reason = new Error('not wanted any more')
      const controller = new AbortController()
      const building = build({ signal: controller.signal })
      const watch = setInterval(() => {
        void visible().then((names) => {
          if (names.length > before.length) controller.abort(reason)
        })
      }, 10)
      await expect(building).rejects.toBe(reason)
      clearInterval(watch)
      expect(await visible()).toEqual(before)
    },
    BUILD_TEST_MS,
  )

  it('takes the first package that the lists know, and says so when they know none', async () => {
    const [found] = await lookUpPackages([['no-such-package', 'busybox-static']])
    expect(found).toMatchObject({ name: 'busybox-static' })
    await expect(lookUpPackages([['no-such-package']])).rejects.toMatchObject({
      code: 'engine_failed',
      hint: 'Run apt-get update on the host, then build again.',
    })
  })

  it('says which recipe is missing', async () => {
    const options = { recipesDirectory: folder, imagesDirectory: folder, packageCacheDirectory: folder }
    const building = buildImage('absent', { ...options, clock: new SystemClock(), ownPid: process.pid })
    await expect(building).rejects.toMatchObject({ code: 'not_found' })
  })
})
