import { describe, expect, it } from 'vitest'
import { recoveryPointIdSchema } from '../../../../src-shared/model/ids.ts'
import { readBackupOutput, type BackupProgress } from '../../../../host-daemon/backups/restic/backup.ts'
import { UnreadableFiles } from '../../../../host-daemon/backups/restic/unreadable-files.ts'
import { findingsOf } from '../../../../host-daemon/backups/restic/check.ts'
import { classify } from '../../../../host-daemon/backups/restic/classify.ts'
import { ResticFailure, type ResticFailureKind } from '../../../../host-daemon/backups/restic/failure.ts'
import { keepFlags, parseForgotten } from '../../../../host-daemon/backups/restic/forget.ts'
import { jsonObjectsOf, linesOf } from '../../../../host-daemon/backups/restic/json-lines.ts'
import { parseLock, parseLockIds } from '../../../../host-daemon/backups/restic/locks.ts'
import { readListing, type PointEntry } from '../../../../host-daemon/backups/restic/ls.ts'
import { parseSnapshots, requireAllRead } from '../../../../host-daemon/backups/restic/snapshots.ts'
import { parseSize } from '../../../../host-daemon/backups/restic/stats.ts'
import { parseVersion } from '../../../../host-daemon/backups/restic/version.ts'
import { goldenNames, goldens, inChunks, type Golden } from './goldens.ts'

const KINDS: Readonly<Record<string, ResticFailureKind>> = {
  'backup-incomplete': 'unreadable_files',
  'check-damaged': 'corrupted',
  'check-index-damaged': 'corrupted',
  crashed: 'unexpected',
  'init-again': 'unexpected',
  interrupted: 'interrupted',
  locked: 'repository_locked',
  'no-space': 'no_space',
  'password-missing': 'wrong_password',
  'permission-denied': 'permission_denied',
  'repository-missing': 'repository_missing',
  'restore-damaged': 'corrupted',
  'unreachable-rest': 'network_unreachable',
  'unreachable-sftp': 'network_unreachable',
  'wrong-password': 'wrong_password',
}

function each(name: string, check: (golden: Golden) => Promise<void> | void): void {
  for (const golden of goldens(name)) it(`${name} of ${golden.version}`, () => check(golden))
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

function kindOf(work: () => unknown): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return error instanceof ResticFailure ? error.kind : 'no ResticFailure'
  }
}

describe('failures', () => {
  for (const [name, kind] of Object.entries(KINDS))
    each(name, ({ exitCode, stderr }) => {
      expect(exitCode).not.toBe(0)
      expect(classify(exitCode, stderr)).toMatchObject({ kind })
    })

  it('are all covered: every golden that failed has its kind', () => {
    const failed = [...goldenNames()].filter((name) => goldens(name).some(({ exitCode }) => exitCode !== 0))
    expect(new Set(failed)).toEqual(new Set(Object.keys(KINDS)))
  })

  it.each([
    [
      'Fatal: unable to open config file: stat /r/config: permission denied\nIs there a repository at',
      'permission_denied',
    ],
    ['Fatal: unable to save snapshot: write /r/data/x: disk quota exceeded', 'no_space'],
    ['subprocess ssh: Host key verification failed.\nFatal: unable to start the sftp session', 'network_unreachable'],
    ['dial tcp: lookup nowhere.example: no such host\nIs there a repository at', 'network_unreachable'],
    ['subprocess ssh: a@b: Permission denied (publickey).\nunable to start the sftp session', 'permission_denied'],
    ['Fatal: unable to open repository: cmd.Start: exec: "ssh": executable file not found', 'network_unreachable'],
    ['subprocess ssh: subsystem request failed on channel 0\nunable to start the sftp', 'network_unreachable'],
    ['x509: certificate signed by unknown authority\nIs there a repository at', 'network_unreachable'],
    ['unexpected HTTP response (401): 401 Unauthorized\nIs there a repository at', 'permission_denied'],
    ['unexpected HTTP response (502): 502 Bad Gateway\nIs there a repository at', 'network_unreachable'],
    ['Stat: The AWS Access Key Id you provided does not exist in our records.\nIs there a', 'permission_denied'],
    ['Stat: The request signature we calculated does not match\nIs there a', 'permission_denied'],
    ['create repository at sftp:a:/b failed: mkdir /b: not a directory', 'permission_denied'],
    ['Load(<data/b7d9fe339c>, 1, 0) returned error: <data/b7d9fe339c> does not exist', 'corrupted'],
    [
      'unable to open config file: <config/> does not exist\nIs there a repository at the following location',
      'repository_missing',
    ],
    ['Load(<data/b7d9fe339c>, 1, 0) returned error: open /r/data/b7: no such file or directory', 'corrupted'],
    ['ignoring error for /a: write /t/a: no space left on device\nFatal: There were 1 errors', 'no_space'],
    ['The index references 3 needed pack files\nFatal: packs from index missing in repo', 'corrupted'],
    ['something new', 'unexpected'],
    ['', 'unexpected'],
  ])('%j', (stderr, kind) => {
    expect(classify(1, stderr)).toMatchObject({ kind })
  })

  it('are not decided by a name that a guest chose', () => {
    const names = ['wrong password or no key found', 'repository is already locked', 'no space left on device']
    for (const name of names) {
      expect(classify(1, `ignoring error for /${name}: is a directory\nFatal: There were 1 errors`).kind).toBe(
        'unexpected',
      )
      const json = JSON.stringify({ message_type: 'error', error: { message: `open ${name}: bad` }, item: name })
      expect(classify(1, `${json}\nFatal: stopped`).kind).toBe('unexpected')
    }
  })

  it('say what happened and what to do, and keep the end of what restic said', () => {
    for (const kind of new Set(Object.values(KINDS))) {
      const failure = new ResticFailure(kind, { verb: 'backup', stderr: `${'x'.repeat(10_000)}end`, exitCode: 1 })
      expect(failure.message).toMatch(/^restic backup failed: .+[^.]\.$/)
      expect(failure.hint).toMatch(/\.$/)
      expect(String(failure.details?.['stderr'])).toMatch(/^x{4093}end$/)
    }
  })
})

describe('answers', () => {
  each('version', ({ version, stdout }) => {
    const { major, minor } = parseVersion(stdout)
    expect(`${major}.${minor}`).toBe(version)
  })

  each('backup', async ({ stdout }) => {
    const progress: BackupProgress[] = []
    const summary = await readBackupOutput(jsonObjectsOf(inChunks(stdout, 7)), (now) => progress.push(now))
    expect(summary).toMatchObject({
      total_files_processed: expect.any(Number),
      snapshot_id: expect.stringMatching(/^[0-9a-f]{8}/),
    })
    expect(summary?.total_bytes_processed).toBeGreaterThan(2_000_000 - 1)
    expect(progress.at(-1)?.bytesTotal).toBeGreaterThan(0)
  })

  each('backup-incomplete', async ({ stdout, stderr }) => {
    expect(await readBackupOutput(jsonObjectsOf(inChunks(stdout, 64)))).toBeDefined()
    const unreadable = new UnreadableFiles()
    for await (const chunk of inChunks(stderr, 5)) unreadable.see(chunk)
    unreadable.end()
    expect({ count: unreadable.count, last: unreadable.names.map((path) => path.at(-1)) }).toEqual({
      count: 1,
      last: ['b'],
    })
  })

  it('of more files that could not be read than are named, are all counted', () => {
    const unreadable = new UnreadableFiles()
    const line = (item: unknown) => `${JSON.stringify({ message_type: 'error', error: {}, item })}\n`
    for (let each = 0; each < 10_000; each += 1) unreadable.see(Buffer.from(line(`/home/é${each}`)))
    const ahead = { message_type: 'error', error: {}, during: 'scan', item: '/home/shut' }
    unreadable.see(Buffer.from(`${JSON.stringify(ahead)}\n`))
    unreadable.see(Buffer.from('Warning: at least one source file could not be read\n' + line(null)))
    unreadable.end()
    expect(unreadable.count).toBe(10_001)
    expect(unreadable.names).toHaveLength(100)
    expect(unreadable.names[99]).toBe('/home/é99')
  })

  it('a backup whose summary comes twice, and before a last status', async () => {
    const [golden] = goldens('backup')
    const [status = '', ...rest] = golden!.stdout.trim().split('\n')
    const text = [status, ...rest, rest.at(-1), status, '{"message_type":"new kind"}', 'not json', ''].join('\n')
    expect(await readBackupOutput(jsonObjectsOf(inChunks(text, 100)))).toBeDefined()
  })

  each('snapshots', ({ stdout, stderr, version }) => {
    requireAllRead(stderr)
    const [first] = parseSnapshots(stdout)
    expect(first).toMatchObject({ host: 'env-0000000a', tags: ['op=op-0123456789abcdef'], paths: ['/srv/home'] })
    expect(first?.id).toMatch(/^[0-9a-f]{64}$/)
    expect(first?.takenAtMs).toBeGreaterThan(Date.UTC(2025, 0))
    expect(first?.totals !== undefined).toBe(version >= '0.17')
  })

  each('snapshots-none', ({ stdout }) => {
    expect(parseSnapshots(stdout)).toEqual([])
  })

  each('snapshots-damaged', ({ exitCode, stderr }) => {
    expect(exitCode).toBe(0)
    expect(kindOf(() => requireAllRead(stderr))).toBe('corrupted')
  })

  each('ls', async ({ stdout }) => {
    const point = recoveryPointIdSchema.parse(/"id":"([0-9a-f]{64})"/.exec(stdout)?.[1])
    const entries: PointEntry[] = []
    const onEntry = (entry: PointEntry): void => void entries.push(entry)
    expect(await readListing(inChunks(stdout, 33), { point, onEntry })).toBe(entries.length)
    expect(entries.find(({ path }) => path === '/notes.txt')).toMatchObject({ type: 'file', size: 5, uid: 0 })
    const other = recoveryPointIdSchema.parse('e'.repeat(64))
    await expect(readListing(inChunks(stdout, 33), { point: other, onEntry })).rejects.toThrow('another recovery point')
    await expect(readListing(inChunks('', 1), { point, onEntry })).rejects.toMatchObject({ kind: 'no_such_snapshot' })
  })

  each('stats', ({ stdout }) => {
    expect(parseSize(stdout).bytes).toBeGreaterThan(2_000_000)
    expect(parseSize(stdout).entries).toBeGreaterThan(5)
  })

  each('no-such-snapshot', ({ exitCode, stdout }) => {
    expect(exitCode).toBe(0)
    expect(kindOf(() => parseSize(stdout))).toBe('no_such_snapshot')
  })

  each('check-damaged', ({ stderr }) => {
    expect(findingsOf(stderr).length).toBeGreaterThan(1)
    expect(findingsOf(stderr).join('\n')).not.toContain('message_type')
  })

  each('forget-rules', ({ stdout }) => {
    expect(parseForgotten(stdout).kept).toHaveLength(1)
  })

  each('forget-gone', ({ stdout }) => {
    expect(parseForgotten(stdout)).toEqual({ kept: [], forgotten: [] })
  })

  each('list-locks', ({ stdout }) => {
    expect(parseLockIds(stdout)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)])
  })

  each('cat-lock', ({ stdout }) => {
    const id = 'f'.repeat(64)
    expect(parseLock(id, stdout)).toMatchObject({ id, hostName: 'host-a', pid: 4242, isExclusive: false })
  })

  it.each(['', 'nonsense', '{"total_size":-1}', '[]', '{"total_size":"1"}'])('%j is not understood', (text) => {
    expect(kindOf(() => parseSize(text))).toMatch(/unexpected|no_such_snapshot/)
    expect(kindOf(() => parseSnapshots('[{"id":"short"}]'))).toBe('unexpected')
  })
})

describe('lines', () => {
  it('are whole whatever the pieces, with characters cut in two', async () => {
    const text = '{"a":"é€😀"}\n\nlast'
    for (let size = 1; size < 30; size += 1)
      expect(await all(linesOf(inChunks(text, size)))).toEqual(['{"a":"é€😀"}', '', 'last'])
  })

  it('have a bound', async () => {
    await expect(all(linesOf(inChunks('x'.repeat(3_000_000), 65_536)))).rejects.toThrow(RangeError)
  })
})

describe('retention', () => {
  it('needs a rule, and none of it is anything but a number or a tag', () => {
    expect(keepFlags({ last: 3, daily: 7, tags: ['keep' as never] })).toEqual([
      '--keep-last',
      '3',
      '--keep-daily',
      '7',
      '--keep-tag',
      'keep',
    ])
    expect(() => keepFlags({})).toThrow('everything')
    for (const last of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) expect(() => keepFlags({ last })).toThrow()
    expect(() => keepFlags({ tags: ['a,b' as never] })).toThrow()
  })
})
