import { mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createImageCatalogue } from '../../../host-daemon/images/catalogue.ts'
import { compareImageRefs } from '../../../host-daemon/images/version-order.ts'
import { imageRefSchema } from '../../../src-shared/model/ids.ts'

const ref = (text: string) => imageRefSchema.parse(text)
const DIGEST = 'a'.repeat(64)

describe('the image catalogue', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-images-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function put(name: string, parts: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await mkdir(join(folder, `${name}-aaaa`))
    await writeFile(join(folder, `${name}-aaaa`, 'kernel'), 'kernel')
    await writeFile(join(folder, `${name}-aaaa`, 'initrd.cpio'), 'initrd')
    const metadata = {
      format: 1,
      ref: name,
      fingerprint: DIGEST,
      builtAt: 7,
      folder: `${name}-aaaa`,
      kernel: { name: 'kernel', bytes: 6, sha256: DIGEST },
      initrd: { name: 'initrd.cpio', bytes: 6, sha256: DIGEST },
      commandLine: ['loglevel=3'],
      packages: [],
      superseded: [],
      ...parts,
    }
    await writeFile(join(folder, `${name}.json`), JSON.stringify(metadata))
  }

  it('lists whole images by name and version order', async () => {
    for (const name of ['python@3.10', 'python@3.9', 'minimal@2', 'python@3.9.1']) await put(name)
    const listed = await createImageCatalogue(folder).list()
    expect(listed.map((image) => image.ref)).toEqual(['minimal@2', 'python@3.9', 'python@3.9.1', 'python@3.10'])
    expect(listed[0]).toEqual({ ref: 'minimal@2', fingerprint: DIGEST, builtAt: 7, bytes: 12 })
  })

  it('resolves an image to what a machine boots', async () => {
    await put('minimal@1')
    expect(await createImageCatalogue(folder).resolve(ref('minimal@1'))).toEqual({
      ref: 'minimal@1',
      kernelPath: join(folder, 'minimal@1-aaaa/kernel'),
      initrdPath: join(folder, 'minimal@1-aaaa/initrd.cpio'),
      commandLine: ['loglevel=3'],
    })
  })

  it('counts and gives the disk of an image that has one, and never uses it without', async () => {
    const disk = join(folder, 'whole@1-aaaa/root.ext4')
    await put('whole@1', { root: { name: 'root.ext4', bytes: 5, sha256: DIGEST } })
    const catalogue = createImageCatalogue(folder)
    expect(await catalogue.isUsable(ref('whole@1'))).toBe(false)
    await writeFile(disk, 'disk!')
    expect(await catalogue.list()).toMatchObject([{ ref: 'whole@1', bytes: 17 }])
    expect(await catalogue.resolve(ref('whole@1'))).toMatchObject({ rootPath: disk })
    await truncate(disk, 4)
    expect(await catalogue.isUsable(ref('whole@1'))).toBe(false)
  })

  it.each([
    ['a short kernel', (path: string) => truncate(join(path, 'minimal@1-aaaa/kernel'), 3)],
    ['no initrd', (path: string) => rm(join(path, 'minimal@1-aaaa/initrd.cpio'))],
    ['empty metadata', (path: string) => writeFile(join(path, 'minimal@1.json'), '')],
    ['no metadata', (path: string) => rm(join(path, 'minimal@1.json'))],
    [
      'metadata that leads elsewhere',
      (path: string) => replace(join(path, 'minimal@1.json'), 'minimal@1-aaaa', '../x'),
    ],
    [
      'metadata of another image',
      (path: string) => replace(join(path, 'minimal@1.json'), '"ref":"minimal@1"', '"ref":"minimal@9"'),
    ],
  ])('never uses an image with %s', async (_what, damage) => {
    await put('minimal@1')
    await damage(folder)
    const catalogue = createImageCatalogue(folder)
    expect(await catalogue.isUsable(ref('minimal@1'))).toBe(false)
    expect(await catalogue.list()).toEqual([])
    await expect(catalogue.resolve(ref('minimal@1'))).rejects.toMatchObject({ code: 'not_found' })
  })

  it('is empty where nothing was ever built', async () => {
    expect(await createImageCatalogue(join(folder, 'absent')).list()).toEqual([])
  })

  async function replace(path: string, from: string, to: string): Promise<void> {
    await writeFile(path, (await readFile(path, 'utf8')).replace(from, to))
  }
})

describe('compareImageRefs', () => {
  it('takes versions for numbers, and a shorter one for the older', () => {
    const sorted = ['a@10', 'a@9', 'a@9.0', 'a@1.10.1', 'a@1.9'].map(ref).sort(compareImageRefs)
    expect(sorted).toEqual(['a@1.9', 'a@1.10.1', 'a@9', 'a@9.0', 'a@10'])
  })
})
