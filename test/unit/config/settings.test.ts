import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { daemonOptionsOf } from '../../../host-daemon/config/daemon-options.ts'
import { renderSettingsMarkdown } from '../../../host-daemon/config/settings-markdown.ts'
import { SETTING_KEYS } from '../../../host-daemon/config/settings-keys.ts'
import { loadSettings, SettingsError, type Settings } from '../../../host-daemon/config/settings.ts'
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

describe('what the daemon says it can do', () => {
  it('promises bounded consoles only where their space has a bound of its own', async () => {
    const settings = await loadSettings({ environment: {} })
    const can = (hasBoundedConsoles: boolean) => daemonOptionsOf(settings, { ...HOST, hasBoundedConsoles }).capabilities
    expect(can(true)).toEqual([...can(false), 'bounded-consoles'])
  })
})
