import { link, mkdir, mkdtemp, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isInTree, unlinkBelow, walkTree, type TreeEntry, type WalkOptions } from '../../../host-daemon/system/trees.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'pilothouse-trees-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function walked(options: WalkOptions = {}, onEntry?: (entry: TreeEntry) => Promise<void>): Promise<string[]> {
  const paths: string[] = []
  for await (const entry of walkTree(root, options)) {
    paths.push(entry.path.toString('latin1'))
    await onEntry?.(entry)
  }
  return paths
}

describe('a walk through a tree', () => {
  it('tells a folder before what is in it, by the bytes of the names, and follows no link', async () => {
    await mkdir(join(root, 'b/inner'), { recursive: true })
    for (const name of ['a', 'b.c', 'b/inner/x', 'b/z']) await writeFile(join(root, name), '')
    await symlink('b', join(root, 'c'))
    await writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff])]), '')
    expect(await walked()).toEqual(['a', 'b', 'b/inner', 'b/inner/x', 'b/z', 'b.c', 'c', '\xff'])
  })

  it('looks only where it is told to, and not below that', async () => {
    for (const name of ['in/deep', 'out/deep']) await mkdir(join(root, name), { recursive: true })
    const asked: string[] = []
    const where = (path: Buffer): boolean => {
      asked.push(String(path))
      return !String(path).startsWith('out')
    }
    expect(await walked({ where })).toEqual(['in', 'in/deep'])
    expect(asked).toEqual(['in', 'in/deep', 'out'])
  })

  it('says the same of every name of one file, and nothing of a file with one name', async () => {
    await writeFile(join(root, 'one'), 'x')
    await writeFile(join(root, 'two'), 'x')
    await link(join(root, 'two'), join(root, 'three'))
    const linkedAs = new Map<string, string | null>()
    await walked({}, ({ path, linkedAs: as }) => Promise.resolve(void linkedAs.set(String(path), as)))
    expect(linkedAs.get('one')).toBeNull()
    expect(linkedAs.get('two')).not.toBeNull()
    expect(linkedAs.get('two')).toBe(linkedAs.get('three'))
  })

  it('leaves out what vanishes in the middle where that was said, and rejects else', async () => {
    const vanish = async ({ path }: TreeEntry): Promise<void> => {
      if (String(path) === 'a') await unlink(join(root, 'b'))
      if (String(path) === 'c') await rm(join(root, 'c'), { recursive: true })
    }
    const lay = async (): Promise<void> => {
      for (const name of ['a', 'b', 'd']) await writeFile(join(root, name), '')
      await mkdir(join(root, 'c'))
    }
    await lay()
    expect(await walked({ mayVanish: true }, vanish)).toEqual(['a', 'c', 'd'])
    await lay()
    await expect(walked({}, vanish)).rejects.toThrow('ENOENT')
  })

  describe('in which somebody puts a link in the place of a folder', () => {
    let outside: string
    const swapped = (at: string, by: string) => async (entry: TreeEntry) => {
      if (String(entry.path) !== at) return
      await rm(join(root, by), { recursive: true })
      await symlink(outside, join(root, by))
    }
    beforeEach(async () => {
      outside = await mkdtemp(join(tmpdir(), 'pilothouse-outside-'))
      await mkdir(join(outside, 'inner'))
      for (const name of ['secret', 'inner/secret']) await writeFile(join(outside, name), '')
      await mkdir(join(root, 'folder/inner'), { recursive: true })
    })
    afterEach(() => rm(outside, { recursive: true, force: true }))

    it.each([
      ['right before it is read', 'folder', ['folder']],
      ['that the one to be read is in', 'folder/inner', ['folder', 'folder/inner']],
    ])('%s, reads nothing behind the link', async (_when, at, told) => {
      expect(await walked({ mayVanish: true }, swapped(at, 'folder'))).toEqual(told)
    })

    it.each(['folder', 'folder/inner'])('rejects at %s where nothing may vanish', async (at) => {
      await expect(walked({}, swapped(at, 'folder'))).rejects.toThrow(/ENOTDIR|was replaced/)
    })
  })

  it('reads a tree that a link leads to', async () => {
    await mkdir(join(root, 'folder/inner'), { recursive: true })
    await symlink('folder', join(root, 'way'))
    const paths: string[] = []
    for await (const { path } of walkTree(join(root, 'way'))) paths.push(String(path))
    expect(paths).toEqual(['inner'])
  })

  it('ends with the reason of its signal', async () => {
    for (const name of ['a', 'b']) await writeFile(join(root, name), '')
    const ending = new AbortController()
    const end = (): Promise<void> => {
      ending.abort(new Error('no more'))
      return Promise.resolve()
    }
    await expect(walked({ signal: ending.signal }, end)).rejects.toThrow('no more')
  })
})

describe('a path in a tree', () => {
  it('leads through folders alone, never through a link', async () => {
    await mkdir(join(root, 'folder'))
    await writeFile(join(root, 'folder/file'), '')
    await symlink('folder', join(root, 'link'))
    expect(await isInTree(root, ['folder', 'file'])).toBe(true)
    expect(await isInTree(root, ['link'])).toBe(true)
    for (const names of [['link', 'file'], ['folder', 'file', 'below'], ['none'], ['x'.repeat(300)]])
      expect(await isInTree(root, names), names.join('/')).toBe(false)
  })

  it('is removed by name, a link as a link', async () => {
    await writeFile(join(root, 'kept'), '')
    await symlink('kept', join(root, 'link'))
    await unlinkBelow(root, [Buffer.from('link')])
    expect(await walked()).toEqual(['kept'])
  })
})
