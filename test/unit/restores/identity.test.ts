import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { imageRecoveryOf, imageRecoverySchema } from '../../../host-daemon/images/image-recovery.ts'
import { findIdentity, removeIdentity } from '../../../host-daemon/restores/identity.ts'

const { signal: never } = new AbortController()

describe('the identity in a home', () => {
  let home: string
  const found = async (...patterns: string[]) => (await findIdentity(home, patterns, never)).map(String).sort()
  const make = async (...paths: string[]) => {
    for (const path of paths) {
      await mkdir(join(home, path, '..'), { recursive: true })
      await writeFile(join(home, path), 'x')
    }
  }
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'pilothouse-identity-'))
  })
  afterEach(() => rm(home, { recursive: true, force: true }))

  it('is what the patterns mean, each once, and nothing that merely looks alike', async () => {
    await make('.machine-id', 'machine-id', 'etc/ssh/ssh_host_rsa_key', 'etc/ssh/ssh_host_rsa_key.pub', 'etc/ssh/sshd')
    await make('.ssh-host-keys/a', '.ssh-host-keys/.b', '.ssh-host-keys/deep/c', 'home/etc/ssh/ssh_host_x')
    const { identity } = imageRecoveryOf(undefined)
    expect(await found(...identity, '.machine-id')).toEqual([
      '.machine-id',
      '.ssh-host-keys/a',
      'etc/ssh/ssh_host_rsa_key',
      'etc/ssh/ssh_host_rsa_key.pub',
    ])
  })

  it('takes dots as dots, a star as any part of one name, and line breaks as part of a name', async () => {
    await make('a.b', 'axb', 'key-1\n2', 'sub/key-1')
    expect(await found('a.b')).toEqual(['a.b'])
    expect(await found('key-*')).toEqual(['key-1\n2'])
    expect(await found('*/key-*')).toEqual(['sub/key-1'])
  })

  it('is removed by name: of a link, the link alone', async () => {
    await make('real/key')
    await symlink('real', join(home, 'linked'))
    await symlink('real/key', join(home, 'key'))
    expect(await found('linked/key', 'key')).toEqual(['key'])
    await removeIdentity(home, await findIdentity(home, ['key', 'linked/*'], never))
    expect(await readdir(home)).toEqual(['linked', 'real'])
    expect(await readdir(join(home, 'real'))).toEqual(['key'])
  })

  it('is refused where it would be most of a home', async () => {
    await Promise.all(Array.from({ length: 1_001 }, (_, index) => writeFile(join(home, `key-${index}`), '')))
    await expect(findIdentity(home, ['key-*'], never)).rejects.toThrow('More than 1000 files')
  })

  it('is looked for no longer than its signal says', async () => {
    await make('key')
    const given = AbortSignal.abort(new Error('no more'))
    await expect(findIdentity(home, ['key'], given)).rejects.toThrow('no more')
  })

  it('is told by recipes in paths that stay in the home', () => {
    for (const identity of ['/etc/x', '../x', 'a/../b', 'a//b', '.', 'a b', 'a/', ''])
      expect(imageRecoverySchema.safeParse({ identity: [identity] }).success, identity).toBe(false)
    expect(imageRecoverySchema.parse({ identity: ['etc/x_*'] }).identity).toEqual(['etc/x_*'])
    expect(imageRecoveryOf({ identity: [], check: ['/bin/true'] })).toEqual({ identity: [], check: ['/bin/true'] })
  })
})
