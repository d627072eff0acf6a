import { describe, expect, it } from 'vitest'
import { createResticRepositories } from '../../../host-daemon/backups/repositories.ts'
import { includeFlags } from '../../../host-daemon/backups/restic/include.ts'
import { ResticFailure, type ResticFailureKind } from '../../../host-daemon/backups/restic/failure.ts'
import { SystemClock } from '../../../host-daemon/system/clock.ts'
import { SystemRandom } from '../../../host-daemon/system/random.ts'
import { environmentIdSchema } from '../../../src-shared/model/ids.ts'
import { repositoryLocationSchema } from '../../../src-shared/model/repository.ts'

const ENV = environmentIdSchema.parse('env-0000000a')

function repositoriesAt(base: string, isShared = false) {
  const [clock, random] = [new SystemClock(), new SystemRandom()]
  const password = { file: '/nowhere/password' }
  const location = repositoryLocationSchema.parse(base)
  const cacheDirectory = '/nowhere/caches'
  return createResticRepositories({ base: location, isShared, password, cacheDirectory, idleMs: 1, clock, random })
}

describe('an environment’s repository', () => {
  it.each([
    ['/srv/points', '/srv/points/env-0000000a', true],
    ['sftp:ph@vault:/srv/points', 'sftp:ph@vault:/srv/points/env-0000000a', false],
    ['sftp:vault:points', 'sftp:vault:points/env-0000000a', false],
    ['sftp://ph@vault:2222//srv/points', 'sftp://ph@vault:2222//srv/points/env-0000000a', false],
    ['rest:https://vault:8000/', 'rest:https://vault:8000/env-0000000a/', false],
    ['rest:https://vault/a/b', 'rest:https://vault/a/b/env-0000000a', false],
    ['s3:https://vault/bucket', 's3:https://vault/bucket/env-0000000a', false],
  ])('below %s is %s', (base, own, isOnThisHost) => {
    const repositories = repositoriesAt(base)
    expect(repositories).toMatchObject({ base, isOnThisHost })
    expect(repositories.of(ENV).location).toBe(own)
    expect(repositories.at(own).location).toBe(own)
    expect(repositoriesAt(base, true).of(ENV).location).toBe(base)
  })

  it('is nowhere that is no location', () => {
    for (const place of ['relative', '/a/../b', 'sftp:-oProxyCommand=x:/a', ''])
      expect(() => repositoriesAt('/a').at(place)).toThrow()
  })
})

describe('paths to restore', () => {
  it('are patterns that match themselves alone', () => {
    expect(includeFlags(['/a*[b]?\\c', '/!d'])).toEqual(['--include', '/a\\*\\[b\\]\\?\\\\c', '--include', '/!d'])
  })

  it('are not more than a program can be given', () => {
    expect(() => includeFlags(Array.from({ length: 3000 }, (_, at) => `/${'x'.repeat(200)}${at}`))).toThrow('too many')
  })
})

describe('what restic could not do', () => {
  const CODES: Readonly<Record<ResticFailureKind, string>> = {
    repository_missing: 'repository_missing',
    wrong_password: 'wrong_password',
    repository_locked: 'repository_locked',
    no_such_snapshot: 'no_recovery_point',
    unreadable_files: 'engine_failed',
    no_space: 'storage_failed',
    network_unreachable: 'repository_unreachable',
    permission_denied: 'repository_unreachable',
    corrupted: 'repository_damaged',
    interrupted: 'engine_failed',
    timed_out: 'deadline_exceeded',
    unexpected: 'engine_failed',
  }

  it.each(Object.entries(CODES))('%s has the code %s', (kind, code) => {
    const { hint, ...failure } = new ResticFailure(kind as ResticFailureKind, { verb: 'check' })
    expect(failure.code).toBe(code)
    expect(hint).toMatch(/\.$/)
  })
})
