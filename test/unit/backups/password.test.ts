import { mkdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { repositoryPassword } from '../../../host-daemon/backups/password.ts'
import { SystemRandom } from '../../../host-daemon/system/random.ts'
import { repositoryLocationSchema } from '../../../src-shared/model/repository.ts'
import { temporaryFolder } from '../../support/edge.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder.remove())

describe('the password of repositories on another machine', () => {
  const at = (name: string): string => join(folder.path, name)
  const password = () =>
    repositoryPassword(
      { file: at('password'), isOurs: true },
      {
        base: repositoryLocationSchema.parse('rest:https://vault/points/'),
        caches: at('caches'),
        random: new SystemRandom(),
      },
    )

  it('is made where none was ever needed, though one was tried', async () => {
    await mkdir(at('caches/0123456789abcdef/check'), { recursive: true })
    await expect(password().require()).rejects.toMatchObject({ code: 'repository_missing' })
    await password().make()
    expect(await readFile(at('password'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/)
    await password().require()
  })

  it('is missed where a repository was opened before, and no other is made', async () => {
    await mkdir(join(at('caches/0123456789abcdef'), 'a'.repeat(64)), { recursive: true })
    for (const use of [() => password().make(), () => password().require()])
      await expect(use()).rejects.toMatchObject({ code: 'wrong_password' })
    await expect(stat(at('password'))).rejects.toThrow('ENOENT')
  })
})
