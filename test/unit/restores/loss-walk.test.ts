import { mkdtemp, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareInTreeOrder } from '../../../host-daemon/backups/compare-listings.ts'
import { walkTree } from '../../../host-daemon/restores/loss-walk.ts'
import type { PointEntry } from '../../../src-shared/model/recovery-point.ts'

describe('a walk through a home', () => {
  let root: string
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'pilothouse-walk-'))
  })
  afterEach(() => rm(root, { recursive: true, force: true }))

  async function walked(from = root): Promise<PointEntry[]> {
    const entries: PointEntry[] = []
    for await (const entry of walkTree(from)) entries.push(entry)
    return entries
  }

  it('tells everything in tree order, whatever the names', async () => {
    await mkdir(join(root, 'a'))
    for (const name of ['a/x', 'a.b', 'a-b', 'é', 'z', '\u{1f600}', '\uffee', ' ', 'line\nend']) {
      await writeFile(join(root, name), name)
    }
    const paths = (await walked()).map(({ path }) => path)
    expect(paths).toHaveLength(10)
    expect(paths).toEqual([...paths].sort(compareInTreeOrder))
    expect(paths).toContain('/line\nend')
  })

  it('says type, size, mode and time of each, and follows no link', async () => {
    await mkdir(join(root, 'folder'), { mode: 0o700 })
    await writeFile(join(root, 'folder/file'), 'four', { mode: 0o640 })
    await utimes(join(root, 'folder/file'), 1_700_000_000.5, 1_700_000_000.5)
    await symlink('/etc', join(root, 'out'))
    expect(await walked()).toMatchObject([
      { path: '/folder', type: 'directory', bytes: 0, mode: 0o700 },
      { path: '/folder/file', type: 'file', bytes: 4, mode: 0o640, modifiedAt: 1_700_000_000_500 },
      { path: '/out', type: 'symlink', bytes: 0 },
    ])
  })

  it('rejects where a folder cannot be read', async () => {
    await expect(walked(join(root, 'none'))).rejects.toThrow('ENOENT')
  })
})
