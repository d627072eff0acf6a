import { describe, expect, it } from 'vitest'
import type { HostRoster, KnownHost } from '../../../src-main/shell/cli/ports.ts'
import { progressLine } from '../../../src-main/shell/cli/progress.ts'
import { printable, table } from '../../../src-main/shell/cli/render/text.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import { fakeDaemonWorld, type Sent } from '../../support/answering-session.ts'
import { cli, startCli, type CliWorld } from '../../support/cli-run.ts'
import { AT, operationSample, succeededSample } from '../../support/contract-samples.ts'

const HOST: KnownHost = {
  name: 'tower' as never,
  target: { address: 'tower.example', socketDirectory: '/run/pilothouse' },
  pinnedKey: null,
}
const KEY = { type: 'ssh-ed25519', fingerprint: 'SHA256:abc' }

function book(added: unknown[] = []): HostRoster {
  return {
    list: () => [HOST],
    add: (name, target) => {
      added.push({ name, target })
      return { name, target, pinnedKey: null }
    },
    remove: (name) => {
      if (name !== HOST.name) throw new PilothouseError('not_found', `No host ${name}.`)
    },
    fetchKey: () => Promise.resolve(KEY),
    acceptKey: (_name, fingerprint) =>
      fingerprint === KEY.fingerprint
        ? Promise.resolve({ ...HOST, pinnedKey: KEY })
        : Promise.reject(new PilothouseError('host_key_changed', 'Another key.')),
  }
}

describe('which daemon a command is for', () => {
  it('is never assumed: the stored hosts are named instead', async () => {
    const { status, stderr } = await cli(['env', 'list'], { hostRoster: book() })
    expect(status).toBe(2)
    expect(stderr).toContain('Stored hosts: tower')
  })

  it.each([
    [['--host', 'a', '--socket', '/b'], {}],
    [[], { PILOTHOUSE_HOST: 'a', PILOTHOUSE_SOCKET: '/b' }],
  ])('is refused when it is said twice: %j %j', async (words, env) => {
    expect((await cli(['env', 'list', ...words], { env })).status).toBe(2)
  })

  it('takes a flag before the environment', async () => {
    const seen: unknown[] = []
    const openSession: CliWorld['openSession'] = (target) => {
      seen.push(target)
      return Promise.reject(new PilothouseError('host_unreachable', 'Down.'))
    }
    const env = { PILOTHOUSE_SOCKET: '/b' }
    expect((await cli(['--host', 'a', 'env', 'list'], { env, openSession })).status).toBe(5)
    expect((await cli(['env', 'list'], { env, openSession })).status).toBe(5)
    expect(seen).toEqual([
      { kind: 'host', name: 'a' },
      { kind: 'socket', path: '/b' },
    ])
  })

  it('refuses a host name that is none', async () => {
    expect((await cli(['env', 'list', '--host', '-oProxyCommand=x'])).status).toBe(2)
  })
})

describe('values that the receiver would refuse', () => {
  it.each([
    [['env', 'spawn', 'demo', '--image', 'minimal', '--owner', 'local'], '--image: must be name@version'],
    [['env', 'spawn', 'Demo', '--image', 'minimal@1', '--owner', 'local'], 'NAME: must be 1–63 lower-case'],
    [
      ['env', 'spawn', 'demo', '--image', 'minimal@1', '--owner', 'local', '--cpus', '17'],
      '--cpus: must be a whole number from 1 to 16',
    ],
    [['env', 'spawn', 'demo', '--image', 'minimal@1'], "required option '--owner"],
    [['env', 'show', '../../etc'], 'ENVIRONMENT: must be an environment id'],
    [['owners', 'put', 'local', '--limit', '0'], '--limit: must be a whole number from 1 to 1000000, or "unlimited"'],
    [['call', 'environments.get', '{'], 'not JSON'],
    [['call', 'environments.get', '{}'], 'environment'],
    [['call', 'environments.vanish'], 'Allowed choices'],
    [['env', 'vanish'], "unknown command 'vanish'"],
    [['env'], 'Say which command'],
    [['env', 'show', 'demo', 'more'], 'too many arguments'],
  ])('%j is a usage error and nothing is sent', async (words, says) => {
    const sent: Sent[] = []
    const { status, stdout, stderr } = await cli(words, fakeDaemonWorld(sent))
    expect(stderr).toContain(says)
    expect([status, stdout, sent]).toEqual([2, '', []])
  })

  it('are said as JSON with --json', async () => {
    const { stderr } = await cli(['env', 'vanish', '--json'])
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'invalid_request' } })
  })
})

describe('waiting for an operation', () => {
  const spawn = ['env', 'spawn', 'demo', '--image', 'minimal@1', '--owner', 'local', '--wait']

  it('answers with the ended operation alone', async () => {
    const { status, stdout } = await cli([...spawn, '--json'], fakeDaemonWorld([]))
    expect(status).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('ends as the operation did', async () => {
    const failure = new PilothouseError('engine_failed', 'It broke.', { requestId: 'req-00000000000000aa' }).toFailure()
    const failed = { ...operationSample, status: { kind: 'failed' as const, endedAt: AT, failure } }
    const { status, stdout, stderr } = await cli(spawn, fakeDaemonWorld([], { 'operations.wait': () => failed }))
    expect(status).toBe(12)
    expect(stdout).toContain('failed')
    expect(stderr).toContain('It broke.')
  })

  it('draws phase, attempt and time on the terminal, as events tell them, and takes the line away', async () => {
    const booting = { ...operationSample, phase: 'booting_guest' as const, attempt: 1 }
    const cursor = { epoch: 'e', seq: 8 }
    const outcome = Promise.withResolvers<unknown>()
    const answers = {
      events: () => [{ type: 'operation_changed', cursor, operation: booting }],
      'operations.wait': () => outcome.promise,
    }
    const run = startCli(spawn, fakeDaemonWorld([], answers, { isTerminal: true }))
    while (!run.stderr.text.includes('booting_guest: The guest is booting.  attempt 1')) await new Promise(setImmediate)
    outcome.resolve(succeededSample)
    expect(await run.status).toBe(0)
    expect(run.stderr.text.split('\r\u001b[K').at(-2)).toMatch(/^ +\d+\.\d s {2}spawn demo/)
    expect(run.stderr.text.endsWith('\r\u001b[K')).toBe(true)
    expect(run.stdout.text).not.toContain('\u001b')
  })

  it('shows phase and time on one line', () => {
    expect(progressLine(operationSample, 1234)).toBe(
      '  1.2 s  spawn demo  provisioning_vm: The host is preparing the home and the virtual machine.',
    )
    for (const attempt of [1, 2])
      expect(progressLine({ ...operationSample, attempt }, 0)).toContain(`attempt ${attempt}`)
  })
})

describe('hosts', () => {
  it('lists, adds and removes', async () => {
    const added: unknown[] = []
    const world = { hostRoster: book(added) }
    expect((await cli(['hosts', 'list', '--json'], world)).stdout).toBe(`${JSON.stringify([HOST])}\n`)
    expect((await cli(['hosts', 'add', 'rack', 'rack.example', '--port', '2222', '--user', 'op'], world)).status).toBe(
      0,
    )
    expect(added).toEqual([
      { name: 'rack', target: { address: 'rack.example', port: 2222, user: 'op', socketDirectory: '/run/pilothouse' } },
    ])
    expect((await cli(['hosts', 'remove', 'tower'], world)).status).toBe(0)
    expect((await cli(['hosts', 'remove', 'nowhere'], world)).status).toBe(3)
  })

  it('is about this console alone', async () => {
    expect((await cli(['hosts', 'list', '--host', 'tower'], { hostRoster: book() })).status).toBe(2)
    expect((await cli(['hosts', 'list'], { hostRoster: book(), env: { PILOTHOUSE_HOST: 'tower' } })).status).toBe(0)
  })

  it('refuses an address that is none', async () => {
    expect((await cli(['hosts', 'add', 'rack', '--', '-oProxyCommand=x'], { hostRoster: book() })).status).toBe(2)
  })

  it('pins a key only when its fingerprint was said', async () => {
    const world = { hostRoster: book() }
    const unsaid = await cli(['hosts', 'accept-key', 'tower', '--json'], world)
    expect(unsaid.status).toBe(6)
    expect(JSON.parse(unsaid.stderr)).toMatchObject({ error: { code: 'host_key_unknown', details: { key: KEY } } })
    expect((await cli(['hosts', 'accept-key', 'tower', 'SHA256:other'], world)).status).toBe(6)
    expect((await cli(['hosts', 'accept-key', 'tower', KEY.fingerprint], world)).status).toBe(0)
  })
})

describe('what is printed', () => {
  it('cannot act on the terminal', () => {
    expect(printable('a\u001b]52;c;x\u0007b\u202e')).toBe('a\u{fffd}]52;c;x\u{fffd}b\u{fffd}')
    expect(table(['A'], [['x\ny']])).toBe('A\nx y')
  })

  it('is help on stdout with exit 0', async () => {
    const { status, stdout, stderr } = await cli(['env', 'spawn', '--help'])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toContain('--memory-mib <number>')
  })

  it('says what is unexpected without a stack', async () => {
    const { status, stderr } = await cli(['env', 'list'], {
      ...fakeDaemonWorld([]),
      openSession: () => Promise.reject(new Error('odd')),
    })
    expect(status).toBe(1)
    expect(stderr).toContain('odd')
    expect(stderr).not.toContain('at ')
  })
})
