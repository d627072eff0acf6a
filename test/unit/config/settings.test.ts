import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { daemonOptionsOf } from '../../../host-daemon/config/daemon-options.ts'
import { repositoryOptionsOf } from '../../../host-daemon/config/repository-options.ts'
import { renderSettingsMarkdown } from '../../../host-daemon/config/settings-markdown.ts'
import { SETTING_KEYS } from '../../../host-daemon/config/settings-keys.ts'
import { loadSettings, SettingsError, type Settings } from '../../../host-daemon/config/settings.ts'
import { stateLayout } from '../../../host-daemon/system/state-directory.ts'
import { temporaryFolder } from '../../support/edge.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.remove())

async function fromFile(content: unknown, environment: Record<string, string> = {}): Promise<Settings> {
  const filePath = join(folder.path, 'daemon.json')
  await writeFile(filePath, typeof content === 'string' ? content : JSON.stringify(content))
  return await loadSettings({ filePath, environment })
}

async function problemsOf(attempt: Promise<Settings>): Promise<readonly string[]> {
  const outcome = await attempt.catch((error: unknown) => error)
  expect(outcome).toBeInstanceOf(SettingsError)
  return (outcome as SettingsError).problems
}

function at(path: readonly string[], value: unknown): Record<string, unknown> {
  return path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value) as Record<string, unknown>
}

function valueAt(settings: Settings, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], settings)
}

/** For every setting: a good value that is not its default, and bad ones. */
const SAMPLES: Record<string, { good: unknown; bad: unknown[] }> = {
  stateDirectory: { good: '/srv/ph', bad: ['relative', '', 7, '/a/../b', '/new\nline', null] },
  socketDirectory: { good: '/run/ph', bad: ['run', `/${'x'.repeat(90)}`, false] },
  hostName: { good: 'host-7', bad: ['', '-x', 'a..b', 7, 'A'] },
  'roleGroups.viewer': { good: 'staff', bad: ['', '-x', -1, 1.5, 4_294_967_295, true, '99999999999'] },
  'roleGroups.operator': { good: '1001', bad: ['a b'] },
  'roleGroups.admin': { good: null, bad: [{}] },
  logLevel: { good: 'debug', bad: ['loud', 3, null] },
  logFile: { good: '/var/log/ph.log', bad: ['ph.log', 3] },
  accelerator: { good: 'tcg', bad: ['xen', null] },
  'limits.cpus': { good: 4, bad: [0, 17, 1.5, '4', null, -1] },
  'limits.memoryMiB': { good: 1024, bad: [127, 65_537] },
  'limits.homeMiB': { good: 2048, bad: [15] },
  'limits.maxEnvironments': { good: 5, bad: [0, 'many'] },
  'limits.totalMemoryMiB': { good: 8192, bad: [0] },
  'limits.totalHomeMiB': { good: 8192, bad: [-5] },
  'limits.maxConnections': { good: 10, bad: [0] },
  'limits.maxCallsPerConnection': { good: 10, bad: [0] },
  'deadlines.spawnReadyMs': { good: 60_000, bad: [0, 99, 86_400_001, '1m'] },
  'deadlines.stopGraceMs': { good: 1_000, bad: [1] },
  'deadlines.stopForceMs': { good: 1_000, bad: [1] },
  'deadlines.homeMs': { good: 1_000, bad: [1] },
  'deadlines.startQueueMs': { good: 1_000, bad: [1] },
  'deadlines.undoMs': { good: 1_000, bad: [1] },
  'deadlines.letGoMs': { good: 1_000, bad: [1] },
  'deadlines.guestStaleMs': { good: 1_000, bad: [1] },
  'deadlines.ticketMs': { good: 60_000, bad: [300_001, 999] },
  'deadlines.shutdownMs': { good: 1_000, bad: [1] },
  'deadlines.peerSilentMs': { good: 1_000, bad: [1] },
  'backups.base': { good: 'sftp:ph@vault:/srv/points', bad: ['relative', 'sftp:-a:/d', '/a/../b', 7, ''] },
  'backups.isShared': { good: true, bad: ['yes', 1] },
  'backups.passwordFile': { good: '/etc/pilothouse/password', bad: ['password', '/a/../b', 7] },
  'backups.passwordCommand': { good: ['pass', 'show', 'points'], bad: [[], "it's", ["it's"], ['a\\b'], [''], 7] },
  'backups.sftpKeyFile': { good: '/etc/pilothouse/key', bad: ['key', "/it's", 7] },
  'backups.sftpKnownHostsFile': { good: '/etc/pilothouse/hosts', bad: ['hosts', '/a b', 7] },
  'backups.restCredentialsFile': { good: '/etc/pilothouse/rest', bad: ['rest', 7] },
  'backups.s3CredentialsFile': { good: '/etc/pilothouse/s3', bad: ['s3', 7] },
  'backups.intervalMinutes': { good: 15, bad: [4, 1.5, 'hourly'] },
  'backups.keep': { good: { last: 2, yearly: 1 }, bad: [{}, { last: 0 }, { daly: 7, last: 1 }, 3, null] },
  'backups.freshnessMinutes': { good: 90, bad: [0, 'fresh'] },
  'backups.drillIntervalHours': { good: 24, bad: [0] },
  'backups.checkIntervalHours': { good: 24, bad: [0, 8_761] },
  'backups.checkParts': { good: 4, bad: [0, 257, null] },
  'backups.pruneIntervalHours': { good: 12, bad: [0] },
  'backups.maxConcurrent': { good: 5, bad: [0, 65] },
  'backups.uploadKiBps': { good: 512, bad: [0] },
  'backups.downloadKiBps': { good: 512, bad: [0] },
  'backups.undoHours': { good: 5, bad: [0] },
  'backups.countingMs': { good: 1_000, bad: [1] },
  'backups.idleMs': { good: 5_000, bad: [1] },
  guestUidBase: { good: 300_000, bad: [999, 0] },
  guestUidCount: { good: 10, bad: [0] },
  consoleSpaceMiB: { good: 64, bad: [15] },
  consoleBytesPerBoot: { good: 1_048_576, bad: [65_535] },
  maxConcurrentStarts: { good: 4, bad: [0, 65] },
  maxStartAttempts: { good: 3, bad: [0] },
  maxConcurrentInspections: { good: 2, bad: [0] },
  owners: {
    good: [{ name: 'local', note: 'us', limit: 'unlimited' }],
    bad: [
      [{ name: '-x' }],
      [{ name: 'a', limit: 0 }],
      [{ name: 'a', limit: 'all' }],
      [{}],
      'local',
      [{ name: 'a', x: 1 }],
    ],
  },
  eventBufferSize: { good: 64, bad: [15] },
  heartbeatMs: { good: 1_000, bad: [1] },
  keepOperationsMs: { good: 86_400_000, bad: [86_399_999] },
  automaticRecovery: { good: true, bad: ['yes', 1] },
  reconcileIntervalMs: { good: 500, bad: [1] },
}

const HOST = { version: '1', hasBoundedConsoles: true }

describe('settings', () => {
  it('have a sample each, so that none is untested', () => {
    expect(Object.keys(SAMPLES).sort()).toEqual(SETTING_KEYS.map((key) => key.path.join('.')).sort())
  })

  for (const { path, variable } of SETTING_KEYS) {
    const name = path.join('.')
    const { good, bad } = SAMPLES[name]!

    it(`${name} comes from the file and from ${variable}, which wins`, async () => {
      const defaults = await loadSettings({ environment: {} })
      expect(valueAt(defaults, path)).not.toEqual(good)
      expect(valueAt(await fromFile(at(path, good)), path)).toEqual(good)
      const text = typeof good === 'string' ? good : JSON.stringify(good)
      expect(valueAt(await fromFile(at(path, bad[0]), { [variable]: text }), path)).toEqual(good)
    })

    it(`${name} is named with each wrong value`, async () => {
      for (const value of bad) {
        const problems = await problemsOf(fromFile(at(path, value)))
        expect(problems, JSON.stringify(value)).toHaveLength(1)
        expect(problems[0]).toContain(`setting ${name}`)
        expect(problems[0]).not.toContain('nvalid input')
        if (typeof value !== 'object') expect(problems[0]).toContain(JSON.stringify(value).slice(0, 60))
      }
    })
  }

  it('names everything that is wrong at once, with the variable it came from', async () => {
    const problems = await problemsOf(
      fromFile(
        { limits: { cpus: 0, gpus: 1 }, colour: 'red' },
        { PILOTHOUSE_LOG_LEVEL: 'loud', PILOTHOUSE_STATE: '/x' },
      ),
    )
    expect(problems).toEqual([
      'environment variable PILOTHOUSE_STATE (value "/x") names no setting',
      expect.stringContaining('setting logLevel (from PILOTHOUSE_LOG_LEVEL) has the value "loud": must be one of'),
      'setting limits.cpus has the value 0: must be a whole number from 1 to 16',
      'setting limits.gpus (value 1) does not exist',
      'setting colour (value "red") does not exist',
    ])
  })

  it.each([
    'rest:http://user:secret@host/',
    'sftp:user:secret@host:/a',
    's3:https://key:se/c@ret@host/bucket',
    'rest:http://user:my secret "@host/',
    'http://:secret@host/',
  ])('refuses the location %s without repeating its password', async (base) => {
    const [problem] = await problemsOf(fromFile({ backups: { base } }))
    expect(problem).toMatch(/^setting backups\.base has the value ".*:\*\*\*@host.*": .*without a password/)
    expect(problem).not.toMatch(/secret|se\/c|ret@/)
  })

  it('refuses a login in place of the file that it is in without repeating it', async () => {
    for (const name of ['restCredentialsFile', 's3CredentialsFile']) {
      const [problem] = await problemsOf(fromFile({ backups: { [name]: 'user:hidden' } }))
      expect(problem).toContain(`setting backups.${name} has a value that is not shown: must be an absolute path`)
    }
  })

  it('refuses a password for which there is no setting without repeating it', async () => {
    const variables = { PILOTHOUSE_BACKUPS_PASSWORD: 'hidden' }
    expect(await problemsOf(fromFile({ backups: { restPassword: 'hidden' } }, variables))).toEqual([
      'environment variable PILOTHOUSE_BACKUPS_PASSWORD (value not shown) names no setting',
      'setting backups.restPassword (value not shown) does not exist',
    ])
  })

  it('refuses a file that is not there, not JSON or no object, but not an absent default file', async () => {
    expect((await problemsOf(loadSettings({ filePath: '/nonexistent/x', environment: {} })))[0]).toContain(
      '/nonexistent/x',
    )
    expect((await problemsOf(fromFile('{"a":')))[0]).toContain('is not JSON')
    expect((await problemsOf(fromFile('[]')))[0]).toContain('one JSON object')
    expect((await loadSettings({ environment: {} })).limits.cpus).toBe(16)
  })

  it('leaves the variables of the command line alone', async () => {
    await expect(
      loadSettings({ environment: { PILOTHOUSE_HOST: 'a', PILOTHOUSE_SOCKET: '/b' } }),
    ).resolves.toBeDefined()
  })

  it('are described in docs/settings.md as they are', async () => {
    const file = await readFile(join(import.meta.dirname, '../../../docs/settings.md'), 'utf8')
    expect(file, 'run: npm run docs').toBe(renderSettingsMarkdown())
  })
})

/** Settings that say where repositories are and how they are opened. */
const OF_REPOSITORIES = ['base', 'isShared', 'passwordFile', 'passwordCommand', 's3CredentialsFile']
  .concat(['sftpKeyFile', 'sftpKnownHostsFile', 'restCredentialsFile'])
  .concat(['idleMs'])
  .map((name) => `backups.${name}`)

describe('the bandwidth of one use of a repository', () => {
  const state = stateLayout('/state')
  const bandwidthOf = async (backups: object) => repositoryOptionsOf(await fromFile({ backups }), state).bandwidth

  it('is a share of what the host may use, for as many as may run at once and a restore', async () => {
    const limits = { uploadKiBps: 1_000, downloadKiBps: 1_000 }
    expect(await bandwidthOf({ ...limits, maxConcurrent: 4 })).toEqual({ uploadKiBps: 250, downloadKiBps: 200 })
    expect(await bandwidthOf({ ...limits, maxConcurrent: 1 })).toEqual({ uploadKiBps: 1_000, downloadKiBps: 500 })
  })

  it('is never nothing, and not limited where the host is not', async () => {
    expect(await bandwidthOf({ uploadKiBps: 1, maxConcurrent: 64 })).toEqual({ uploadKiBps: 1 })
    expect(await bandwidthOf({})).toEqual({})
  })
})

/** Hours in the settings, milliseconds inside. */
const AS_MS: Record<string, number> = {
  'backups.checkIntervalHours': 86_400_000,
  'backups.pruneIntervalHours': 43_200_000,
  'backups.undoHours': 18_000_000,
}

describe('what the daemon is told', () => {
  /** Settings that the parts around the daemon's inside honour; their own tests show it. */
  const ELSEWHERE = [
    'stateDirectory',
    'socketDirectory',
    'roleGroups.viewer',
    'roleGroups.operator',
    'roleGroups.admin',
    'logLevel',
    'logFile',
    'accelerator',
    'limits.maxConnections',
    'limits.maxCallsPerConnection',
    'deadlines.shutdownMs',
    'deadlines.peerSilentMs',
    'consoleSpaceMiB',
    'consoleBytesPerBoot',
    ...OF_REPOSITORIES,
    ...['uploadKiBps', 'downloadKiBps'].map((name) => `backups.${name}`),
    ...Object.keys(AS_MS),
  ]

  for (const { path } of SETTING_KEYS.filter((key) => !ELSEWHERE.includes(key.path.join('.')))) {
    it(`changes with ${path.join('.')}`, async () => {
      const { good } = SAMPLES[path.join('.')]!
      const before = daemonOptionsOf(await loadSettings({ environment: {} }), HOST)
      const after = daemonOptionsOf(await fromFile(at(path, good)), HOST)
      expect(after).not.toEqual(before)
      expect(JSON.stringify(after)).toContain(JSON.stringify(good))
    })
  }
})

describe('what the daemon is told in other units', () => {
  it.each(Object.entries(AS_MS))('%s as %s ms', async (name, ms) => {
    const { recovery } = daemonOptionsOf(await fromFile(at(name.split('.'), SAMPLES[name]!.good)), HOST)
    expect(Object.values(recovery)).toContain(ms)
  })
})

describe('what repositories are told', () => {
  const STATE = stateLayout('/srv/ph')

  for (const name of OF_REPOSITORIES) {
    it(`changes with ${name}`, async () => {
      const { good } = SAMPLES[name]!
      const before = repositoryOptionsOf(await loadSettings({ environment: {} }), STATE)
      const after = repositoryOptionsOf(await fromFile(at(name.split('.'), good)), STATE)
      expect(after).not.toEqual(before)
      expect(JSON.stringify(after)).toContain(JSON.stringify(good))
    })
  }

  it('is a place, a password and a cache below the state, where nothing is set', async () => {
    const { base, password, cacheDirectory, isShared } = repositoryOptionsOf(
      await loadSettings({ environment: {} }),
      STATE,
    )
    expect({ base, password, cacheDirectory, isShared }).toEqual({
      base: '/srv/ph/repositories',
      password: { file: '/srv/ph/repository-password', isOurs: true },
      cacheDirectory: '/srv/ph/restic-caches',
      isShared: false,
    })
  })

  it('is refused where no repository can be below the state folder, with what to set', async () => {
    const settings = await loadSettings({ environment: {} })
    expect(() => repositoryOptionsOf(settings, stateLayout('/srv/a:b'))).toThrow(/stateDirectory.*backups\.base/)
  })

  it('has one password, not two', async () => {
    const problems = await problemsOf(fromFile({ backups: { passwordFile: '/a', passwordCommand: ['pass'] } }))
    expect(problems).toEqual([expect.stringMatching(/^setting backups has the value .*give one of them, not both$/)])
  })
})

describe('what the daemon says it can do', () => {
  it('promises bounded consoles only where their space has a bound of its own', async () => {
    const settings = await loadSettings({ environment: {} })
    const can = (hasBoundedConsoles: boolean) => daemonOptionsOf(settings, { ...HOST, hasBoundedConsoles }).capabilities
    expect(can(true)).toEqual([...can(false), 'bounded-consoles'])
  })
})
