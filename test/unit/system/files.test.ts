import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFileAtomic, writeFileAtomic } from '../../../host-daemon/system/files.ts'

describe('writeFileAtomic', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-files-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('replaces the whole file with the mode asked for, and leaves nothing beside it', async () => {
    const path = join(folder, 'settings.json')
    await writeFile(path, 'a much longer old content')
    await writeFileAtomic(path, 'new', { mode: 0o644 })
    expect(await readFile(path, 'utf8')).toBe('new')
    expect((await stat(path)).mode & 0o777).toBe(0o644)
    expect(await readdir(folder)).toEqual(['settings.json'])
  })

  it('leaves the old file and no temporary when the rename is refused', async () => {
    const path = join(folder, 'taken')
    await writeFileAtomic(join(folder, 'other'), 'x')
    await mkdir(join(path, 'full'), { recursive: true })
    await expect(writeFileAtomic(path, 'new')).rejects.toThrow()
    expect((await readdir(folder)).sort()).toEqual(['other', 'taken'])
  })
})

describe('createFileAtomic', () => {
  it('makes a file once, whoever tries at the same time, and touches none that is there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pilothouse-files-'))
    try {
      const path = join(folder, 'secret')
      const made = await Promise.all(['1', '2', '3'].map((content) => createFileAtomic(path, content)))
      const content = await readFile(path, 'utf8')
      expect(made).toEqual(['1', '2', '3'].map((each) => each === content))
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      expect(await createFileAtomic(path, 'other')).toBe(false)
      expect([await readFile(path, 'utf8'), await readdir(folder)]).toEqual([content, ['secret']])
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
