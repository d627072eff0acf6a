import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { repositoryKindOf, repositoryLocationSchema } from '../../../src-shared/model/repository.ts'

const GOOD = {
  local: ['/srv/backups/env-0000000a', '/a', '/srv/a.b/c_d+e=f@g~h'],
  sftp: ['sftp:backup@host-a:/srv/repo', 'sftp:host-a:repo/env', 'sftp://backup@host-a:2222//srv/repo'],
  rest: ['rest:https://host.example:8000/', 'rest:http://10.0.0.1/a/b/', 'rest:https://h/a'],
  s3: ['s3:https://minio.example:9000/bucket/a', 's3:s3.amazonaws.com/bucket', 's3:http://h/b/c'],
}
const BAD = [
  ...[
    '',
    '/',
    'relative',
    './x',
    '/a/../b',
    '/a/./b',
    '/a//b',
    '/a/',
    '-rf',
    '--help',
    '/a\nb',
    '/a\0b',
    '/a b',
    '~/x',
  ],
  ...[
    'sftp:-oProxyCommand=x:/p',
    'sftp:-l@host:/p',
    'sftp:host:',
    'sftp:host:-x',
    'sftp:a:b@host:/p',
    'sftp:host:/a/../b',
  ],
  ...[
    'sftp://-h:22//p',
    'rest:https://user:pass@host/',
    'rest:https://user@host/',
    'rest:file:///etc',
    'rest:https:///a',
  ],
  ...[
    'rest:https://h/../a',
    'rest:https://h/a?b',
    's3:bucket',
    's3:https://key:secret@h/b',
    's3:https://h/',
    's3:h/../b',
  ],
  ...[
    'b2:bucket:/',
    'rclone:remote:x',
    'local:/srv',
    'azure:c:/',
    'http://h/',
    `/${'a'.repeat(256)}`,
    `/${'a/'.repeat(600)}a`,
  ],
]

describe('the location of a repository', () => {
  for (const [kind, locations] of Object.entries(GOOD))
    it.each(locations)(`${kind}: %s`, (location) => {
      expect(repositoryLocationSchema.parse(location)).toBe(location)
      expect(repositoryKindOf(location)).toBe(kind)
    })

  it.each(BAD)('is not %j', (location) => {
    const result = repositoryLocationSchema.safeParse(location)
    expect(result.success).toBe(false)
    expect(result.error?.issues[0]?.message).toMatch(/^must be an absolute path/)
  })

  it('is never an option, a way up or anything with a password, whatever is tried', () => {
    const parts = fc.constantFrom(
      '/',
      ':',
      '@',
      '-',
      '..',
      '.',
      'a',
      'sftp:',
      'rest:https://',
      's3:',
      '//',
      '\n',
      '\0',
      ' ',
      'pw',
    )
    const anything = fc.array(parts, { maxLength: 12 }).map((found) => found.join(''))
    fc.assert(
      fc.property(anything, (location) => {
        if (repositoryKindOf(location) === undefined) return
        expect(location).not.toMatch(/[\s\p{Cc}]|(?:^|[/:])(?:-|\.{1,2}(?:\/|$))/u)
        // Nor is a host an option behind its user's @.
        expect(location).not.toMatch(/^sftp:[^/]*@-/u)
        // A password would stand between a user and its @.
        expect(location).not.toMatch(/^[a-z0-9]+:[^/@]*:[^/@]*@|\/\/[^/@]*:[^/@]*@/u)
      }),
      {
        numRuns: 20_000,
        examples: [['/-@'], ['/a/-b'], ['sftp:host:-x'], ['sftp:user:secret@host'], ['sftp:user:secret@host:/x']],
      },
    )
  })
})
