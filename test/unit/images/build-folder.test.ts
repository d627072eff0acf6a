import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { takeBuildFolder } from '../../../host-daemon/images/build-folder.ts'
import { imageRefSchema } from '../../../src-shared/model/ids.ts'

const REF = imageRefSchema.parse('minimal@1')

describe('takeBuildFolder', () => {
  let parent = ''
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), 'pilothouse-build-folder-'))
  })
  afterEach(() => rm(parent, { recursive: true, force: true }))

  it("is this builder's alone, and gone when released", async () => {
    const mine = await takeBuildFolder(parent, REF, process.pid)
    await writeFile(join(mine.path, 'half'), 'x')
    await expect(takeBuildFolder(parent, REF, process.pid)).rejects.toMatchObject({ code: 'operation_in_flight' })
    const other = await takeBuildFolder(parent, REF, process.ppid)
    expect(await readdir(mine.path)).toEqual(['half'])
    await mine.release()
    await other.release()
    expect(await readdir(parent)).toEqual([])
  })

  it('removes what builders that are gone left, and nothing else', async () => {
    const abandoned = `.build-minimal@1.${process.pid}-1`
    for (const name of [abandoned, 'minimal@1-aaaa', '.build-notes']) await mkdir(join(parent, name))
    await writeFile(join(parent, abandoned, 'half'), 'x')
    const mine = await takeBuildFolder(parent, REF, process.pid)
    await mine.release()
    expect((await readdir(parent)).sort()).toEqual(['.build-notes', 'minimal@1-aaaa'])
  })

  it('lets exactly one of many in one process through', async () => {
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(() => takeBuildFolder(parent, REF, process.pid)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })
})
