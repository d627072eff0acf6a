import { describe, expect, it } from 'vitest'
import { stateFolderPath } from '../../../scripts/quickstart/state-folder.ts'

describe('the one folder of quickstart', () => {
  it('is the one that is named, which has to be absolute', async () => {
    expect(await stateFolderPath({ PILOTHOUSE_QUICKSTART_DIR: '/srv/try' })).toBe('/srv/try')
    await expect(stateFolderPath({ PILOTHOUSE_QUICKSTART_DIR: 'try' })).rejects.toThrow('must be an absolute path')
  })

  it('is never in a place that is shared with something else', async () => {
    expect(await stateFolderPath({})).toMatch(/\/pilothouse-quickstart$/)
  })
})
