import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireAccess, wayTo, withoutSecret } from '../../../../host-daemon/backups/restic/access.ts'
import { reachHint } from '../../../../host-daemon/backups/restic/reach-hint.ts'
import { failureOf, stuckFailure, type RunFacts } from '../../../../host-daemon/backups/restic/run-failure.ts'
import { sftpCommand, sftpServerOf } from '../../../../host-daemon/backups/restic/sftp-command.ts'
import { ProgramFailure } from '../../../../host-daemon/system/program-failure.ts'
import { repositoryLocationSchema } from '../../../../src-shared/model/repository.ts'
import { temporaryFolder } from '../../../support/edge.ts'

const SFTP = repositoryLocationSchema.parse('sftp://ph@vault:2222//srv/points')
const REST = repositoryLocationSchema.parse('rest:https://vault:8000/points/')
const S3 = repositoryLocationSchema.parse('s3:https://vault/bucket/points')
const LOCAL = repositoryLocationSchema.parse('/srv/points')
const SECRET = 'a:b@c/%d $&'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.remove())

async function credentials(text: string): Promise<string> {
  const path = join(folder.path, 'credentials')
  await writeFile(path, text)
  return path
}

describe('the server of an sftp location', () => {
  it.each([
    ['sftp:vault:points', { host: 'vault' }],
    ['sftp:ph@vault:/srv/2222/a', { host: 'vault', user: 'ph' }],
    ['sftp:vault:2222/points', { host: 'vault' }],
    ['sftp://ph@vault:2222//srv/points', { host: 'vault', user: 'ph', port: '2222' }],
    ['sftp://vault//srv/points', { host: 'vault' }],
    ['rest:https://vault/', undefined],
  ])('of %s', (location, server) => {
    expect(sftpServerOf(location)).toEqual(server)
  })
})

describe('the command for sftp', () => {
  it('asks nobody, knows its servers, and ends with the subsystem', () => {
    const command = sftpCommand(SFTP, {})
    for (const option of ['BatchMode=yes', 'StrictHostKeyChecking=yes', 'ControlPath=none'])
      expect(command).toContain(`-o ${option} `)
    expect(command).toMatch(/^ssh .* -p 2222 -l ph vault -s sftp$/)
    expect(command).not.toMatch(/Identit|KnownHosts/)
  })

  it('takes the one key and the one file of hosts that it is given, letter by letter', () => {
    const command = sftpCommand(SFTP, { sftpKeyFile: '/etc/p%h/key', sftpKnownHostsFile: '/etc/hosts' })
    expect(command).toContain('-o IdentityFile=/etc/p%%h/key -o IdentitiesOnly=yes -o IdentityAgent=none')
    expect(command).toContain('-o UserKnownHostsFile=/etc/hosts -o GlobalKnownHostsFile=/dev/null')
    for (const sftpKeyFile of ["/it's", '/a b', '/a"b', '/a\\b', 'a'])
      expect(() => sftpCommand(SFTP, { sftpKeyFile })).toThrow('letters')
  })
})

describe('the way to a repository', () => {
  it('has the secret of a REST server in the environment alone, in whatever letters', async () => {
    const restCredentialsFile = await credentials(`us:${SECRET}\n`)
    const way = await wayTo(REST, { verb: 'check', restCredentialsFile })
    expect(way.flags).toEqual([])
    const { RESTIC_REPOSITORY: told = '' } = way.environment
    const { username, password, host, pathname } = new URL(told.replace('rest:', ''))
    expect([username, decodeURIComponent(password), host, pathname]).toEqual(['us', SECRET, 'vault:8000', '/points/'])
    expect(withoutSecret(`${SECRET} and ${encodeURIComponent(SECRET)}`, way)).toBe('*** and ***')
  })

  it.each(['', 'us\n', ':secret\n', 'us:\n', 'us:secret\nmore:secret\n', `us:${'secret'.repeat(2000)}`])(
    'is refused where the file holds %.40j, without repeating it',
    async (text) => {
      const refused = wayTo(REST, { verb: 'check', restCredentialsFile: await credentials(text) })
      await expect(refused).rejects.toMatchObject({ code: 'repository_unreachable', kind: 'permission_denied' })
      await expect(refused).rejects.not.toThrow('secret')
    },
  )

  it('begins with no mark of an editor', async () => {
    const way = await wayTo(REST, { verb: 'check', restCredentialsFile: await credentials('\uFEFFus:secret\r\n') })
    expect(way.environment).toEqual({ RESTIC_REPOSITORY: 'rest:https://us:secret@vault:8000/points/' })
  })

  it('is refused at once where a pipe stands for the file, which nobody writes to', async () => {
    const restCredentialsFile = join(folder.path, 'pipe')
    await promisify(execFile)('mkfifo', [restCredentialsFile])
    await expect(wayTo(REST, { verb: 'check', restCredentialsFile })).rejects.toThrow('cannot be read')
  })

  it('is refused where the file is not there', async () => {
    const refused = wayTo(REST, { verb: 'check', restCredentialsFile: join(folder.path, 'absent') })
    await expect(refused).rejects.toThrow('cannot be read')
  })

  it('tells each kind its own, and no other', async () => {
    const access = { sftpKeyFile: '/k', s3CredentialsFile: '/s3', restCredentialsFile: '/absent', verb: 'check' }
    expect(await wayTo(LOCAL, access)).toEqual({ flags: ['--repo', LOCAL], environment: {} })
    expect(await wayTo(S3, access)).toMatchObject({ environment: { AWS_SHARED_CREDENTIALS_FILE: '/s3' } })
    expect((await wayTo(SFTP, access)).flags[3]).toContain('/k')
    expect(() => requireAccess({ s3CredentialsFile: 'relative' })).toThrow('absolute')
  })
})

describe('what a failure on the way is told as', () => {
  const way = { flags: [], environment: {}, secret: SECRET }
  const facts = (over: Partial<RunFacts> = {}): RunFacts => {
    const deadlines = { idleMs: 60_000, totalMs: 60_000 }
    return { verb: 'backup', repository: REST, way, login: {}, deadlines, ...over }
  }
  const exited = (stderr: string) =>
    new ProgramFailure('unexpected_exit', { file: 'restic', says: 'exited', exitCode: 1, stderr })

  it('never holds the secret, whoever said it', async () => {
    const failure = await failureOf(
      exited(`dial ${encodeURIComponent(SECRET)}: ${SECRET}: connection refused`),
      facts(),
    )
    expect(failure.code).toBe('repository_unreachable')
    expect(String(failure.details?.['stderr'])).toBe('dial ***: ***: connection refused')
    expect(failure.cause).toBeUndefined()
  })

  it.each([
    ['Save(<data/1>) returned error, retrying after 1s: dial tcp: connection refused', 'network_unreachable'],
    ['Save(<data/1>) returned error, retrying after 1s: Post "https://vault/": EOF', 'network_unreachable'],
    ['Load(<data/01>) returned error, retrying after 1s: <data/01> does not exist', 'corrupted'],
    ['dial tcp: connection refused\nsomething else', 'timed_out'],
    ['', 'timed_out'],
  ])('%j, and then nothing more', (words, kind) => {
    expect(stuckFailure(words, facts()).kind).toBe(kind)
  })

  it('names what to look at, by the kind of the place', () => {
    const hint = (repository: typeof SFTP) =>
      reachHint('network_unreachable', { repository, login: { sftpKeyFile: '/k' } })
    expect(hint(SFTP)).toContain('ssh -o BatchMode=yes -i /k -p 2222 ph@vault;')
    expect(hint(REST)).toContain('https://vault:8000 ')
    expect(hint(S3)).toContain('https://vault ')
    expect(hint(LOCAL)).toBeUndefined()
    expect(reachHint('permission_denied', { repository: S3, login: {} })).toContain('backups.s3CredentialsFile')
    expect(reachHint('corrupted', { repository: S3, login: {} })).toBeUndefined()
  })
})
