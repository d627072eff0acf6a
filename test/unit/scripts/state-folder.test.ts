import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Teardown } from '../../../scripts/lib/teardown.ts'
import { claimStateFolder, runningQuickstart, stateFolderPath } from '../../../scripts/quickstart/state-folder.ts'

describe('the one folder of quickstart', () => {
  it('is the one that is named, which has to be absolute', async () => {
    expect(await stateFolderPath({ PILOTHOUSE_QUICKSTART_DIR: '/srv/try' })).toBe('/srv/try')
    await expect(stateFolderPath({ PILOTHOUSE_QUICKSTART_DIR: 'try' })).rejects.toThrow('must be an absolute path')
  })

  it('is never in a place that is shared with something else', async () => {
    expect(await stateFolderPath({})).toMatch(/\/pilothouse-quickstart$/)
  })
})

describe('the claim on the folder', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-claim-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it.each(['', '{', '[]', '{"pid":"7"}', '{"pid":1,"startTicks":"0"}'])(
    'is free where the record reads %j',
    async (record) => {
      await writeFile(join(folder, 'running.json'), record)
      expect(await runningQuickstart(folder)).toBeUndefined()
      await claimStateFolder(folder, new Teardown())
      expect((await runningQuickstart(folder))?.pid).toBe(process.pid)
    },
  )

  it('is refused while its holder lives, and leaves nothing when it is given up', async () => {
    const teardown = new Teardown()
    await claimStateFolder(folder, teardown)
    await expect(claimStateFolder(folder, new Teardown())).rejects.toThrow('running already')
    await teardown.run()
    expect(await readdir(folder)).toEqual([])
  })
})
