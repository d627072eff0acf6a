import { mkdtempSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hostRosterOf } from '../../src-main/shell/cli/host-roster.ts'
import { sessionOpener } from '../../src-main/shell/cli/sessions.ts'
import { SPELLINGS, type DaemonCallName } from '../../src-main/shell/cli/spelling.ts'
import { systemClock } from '../../src-main/lib/clock.ts'
import { openStore, type ConsoleStore } from '../../src-main/store/store.ts'
import { callsOf } from '../../src-shared/contract/client.ts'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import { claimedActorSchema } from '../../src-shared/model/ids.ts'
import { cli, countingRandom, startCli, type CliWorld } from '../support/cli-run.ts'
import { ANSWERS, backupSample, environmentSample, succeededSample } from '../support/contract-samples.ts'
import { FakeDaemon, serveFake, type RecordedCall, type ServedFake } from '../support/fake-daemon.ts'
import { startTinySshServer, type TinySshServer } from '../support/tiny-ssh-server.ts'

const TICKET = `tkt-${'ab'.repeat(16)}`
const OPERATION = 'op-00000000000000aa'

const STARTUP_FOLDER = mkdtempSync(join(tmpdir(), 'pilothouse-cli-startup-'))
const VARIABLES_FILE = join(STARTUP_FOLDER, 'variables.env')
const STARTUP_FILE = join(STARTUP_FOLDER, 'run')

/** One command line for every call; the compiler refuses a call without one. */
const COMMAND_LINES: Record<DaemonCallName, readonly string[]> = {
  hello: ['hello'],
  'environments.list': ['env', 'list', '--owner', 'local'],
  'environments.get': ['env', 'show', 'demo'],
  'environments.spawn': [
    ...'env spawn demo --image minimal@1 --owner local --cpus 2 --memory-mib 256 --home-mib 64'.split(' '),
    ...['--label', 'team=blue', '--label', 'stage/now=', '--startup-command', 'exec /etc/app/run'],
    ...['--variables-file', VARIABLES_FILE, '--env', 'MODE=from the flag', '--file', `app/run=${STARTUP_FILE}`],
  ],
  'environments.start': ['env', 'start', 'demo', '--generation', '3'],
  'environments.stop': ['env', 'stop', 'env-0000abcd'],
  'environments.reboot': ['env', 'reboot', 'demo'],
  'environments.recover': ['env', 'recover', 'demo', '--reason', 'it hangs'],
  'environments.resize': ['env', 'resize', 'demo', '--cpus', '2'],
  'environments.rename': ['env', 'rename', 'demo', 'demo-2'],
  'environments.setLabels': ['env', 'label', 'demo', 'team=blue', 'stage-'],
  'environments.reset.plan': ['env', 'reset', 'demo', '--plan'],
  'environments.reset.run': ['env', 'reset', 'demo', '--ticket', TICKET, '--confirm-name', 'demo'],
  'environments.setProtection': ['env', 'protect', 'demo', 'off'],
  'environments.destroy.plan': ['env', 'destroy', 'demo', '--plan'],
  'environments.destroy.run': [
    'env',
    'destroy',
    'demo',
    '--ticket',
    TICKET,
    '--confirm-name',
    'demo',
    '--reason',
    'over',
  ],
  'operations.list': ['operations', 'list', '--environment', 'demo', '--no-running', '--limit', '5'],
  'operations.get': ['operations', 'show', OPERATION],
  'operations.steps': ['operations', 'steps', OPERATION],
  'operations.wait': ['operations', 'wait', OPERATION, '--timeout-ms', '10'],
  'operations.cancel': ['operations', 'cancel', OPERATION],
  'backups.status': ['backup', 'status', 'demo'],
  'backups.points': ['backup', 'list', 'demo', '--forgotten-included', '--limit', '5'],
  'backups.orphaned': ['backup', 'orphaned'],
  'backups.adopt': ['backup', 'adopt', 'env-0000abcd'],
  'backups.now': ['backup', 'now', 'demo'],
  'backups.check': ['backup', 'check', 'demo', '--depth', '2/8'],
  'backups.prune': ['backup', 'prune', 'demo'],
  'backups.setPolicy': ['backup', 'policy', 'demo', '--every-minutes', 'never', '--keep-daily', '7'],
  'backups.browse': ['backup', 'files', 'demo', 'latest', '/etc', '--limit', '10'],
  'backups.compare': ['backup', 'compare', 'demo', '5e5e5e5e', 'latest', '--after', '/etc/motd'],
  'restore.plan': ['restore', 'plan', 'demo', '--point', 'latest', '--stop-now'],
  'restore.run': ['restore', 'run', 'demo', '--ticket', TICKET, '--confirm-name', 'demo', '--reason', 'lost a folder'],
  'undo.plan': ['restore', 'undo', 'demo', '--plan'],
  'undo.run': ['restore', 'undo', 'demo', '--ticket', TICKET, '--confirm-name', 'demo'],
  'drop.plan': ['restore', 'drop', 'demo', '--home', 'home-00000000000000bb', '--plan'],
  'drop.run': ['restore', 'drop', 'demo', '--ticket', TICKET, '--confirm-name', 'demo'],
  files: ['restore', 'files', 'demo', '/etc/motd', '/srv', '--point', 'latest', '--folder', 'for-anna'],
  clone: ['restore', 'clone', 'demo', 'demo-2', '--point', 'latest', '--owner', 'local', '--cpus', '2'],
  drill: ['drill', 'demo', '--point', 'latest', '--promote-to-name', 'proven', '--promote-to-owner', 'local'],
  'owners.list': ['owners', 'list'],
  'owners.put': ['owners', 'put', 'local', '--limit', 'unlimited', '--note', 'this machine', '--active'],
  'images.list': ['images', 'list'],
  'consoles.boots': ['env', 'boots', 'demo'],
  'activity.list': ['activity', 'list', '--environment', 'demo', '--limit', '5'],
  'activity.head': ['activity', 'head'],
  'drift.list': ['drift', 'list'],
  'drift.plan': ['drift', 'clean-up', 'home:home-00000000000000bb', '--plan'],
  'drift.run': ['drift', 'clean-up', '--ticket', TICKET],
  events: ['events', '--since-epoch', 'epoch-1', '--since-seq', '7'],
}

const NAMES = Object.keys(COMMAND_LINES) as DaemonCallName[]
const SOCKET_DIRECTORY_PREFIX = join(tmpdir(), 'pilothouse-cli-')

let folder: string
let ssh: TinySshServer
let store: ConsoleStore
let served: ServedFake
let daemon: FakeDaemon

beforeAll(async () => {
  await writeFile(VARIABLES_FILE, '# of the service\n\nMODE=from the file\nPORT=80=http\n')
  await writeFile(STARTUP_FILE, '#!/bin/sh\necho é\n', { mode: 0o755 })
  folder = await mkdtemp(SOCKET_DIRECTORY_PREFIX)
  ssh = await startTinySshServer()
  store = openStore(':memory:')
  const book = hostRosterOf({
    store: store.hosts,
    environment: ssh.environment,
    clock: systemClock,
    random: countingRandom(),
  })
  const host = book.add('tiny' as never, ssh.targetOf(folder))
  const key = await book.fetchKey(host.name, AbortSignal.timeout(10_000))
  await book.acceptKey(host.name, key.fingerprint, AbortSignal.timeout(10_000))
})

beforeEach(async () => {
  daemon = new FakeDaemon()
  served = await serveFake(daemon, join(folder, 'admin.sock'))
  return () => served.close()
})

afterAll(async () => {
  store.dispose()
  await ssh.close()
  await rm(folder, { recursive: true, force: true })
  await rm(STARTUP_FOLDER, { recursive: true, force: true })
})

function world(): CliWorld {
  return {
    openSession: sessionOpener({
      hosts: () => store.hosts,
      environment: ssh.environment,
      clock: systemClock,
      random: countingRandom(),
      claimedActor: claimedActorSchema.parse('tester@bench'),
    }),
  }
}

const byHost = ['--host', 'tiny']
const bySocket = () => ['--socket', join(folder, 'admin.sock')]

/** What a command line makes the daemon see, the greeting of its connection included. */
async function requestsOf(words: readonly string[]): Promise<RecordedCall[]> {
  daemon.calls.length = 0
  const { status, stderr } = await cli(words, world())
  expect(stderr.replace(/^wait for it: .*\n$/, '')).toBe('')
  expect(status).toBe(0)
  return [...daemon.calls]
}

describe('the command line and the contract', () => {
  it('has words for every call and for nothing else', () => {
    const declared = callsOf(daemonContract).map(({ path }) => path.join('.'))
    expect(Object.keys(SPELLINGS).sort()).toEqual([...declared].sort())
  })

  it.each(NAMES)('sends the same %s by host name and by socket', async (name) => {
    const overSsh = await requestsOf([...COMMAND_LINES[name], ...byHost])
    const direct = await requestsOf([...COMMAND_LINES[name], ...bySocket()])
    expect(overSsh).toEqual(direct)
    expect(direct.at(-1)?.name).toBe(name)
    expect(direct.at(-1)?.claimedActor).toBe('tester@bench')
    expect(direct.at(-1)?.requestId).toMatch(/^req-[0-9a-f]{16}$/)
  })

  it.each(NAMES)('sends %s from its words as `call` does from JSON', async (name) => {
    const spelled = (await requestsOf([...COMMAND_LINES[name], ...bySocket()])).at(-1)
    const called = (await requestsOf(['call', name, JSON.stringify(spelled?.input), ...bySocket()])).at(-1)
    expect(called).toEqual(spelled)
  })

  it('puts every flag where its schema wants it', async () => {
    const spawn = (await requestsOf([...COMMAND_LINES['environments.spawn'], ...bySocket()])).at(-1)
    expect(spawn?.input).toEqual({
      commandId: expect.stringMatching(/^cmd-[0-9a-f]{32}$/) as string,
      name: 'demo',
      owner: 'local',
      image: 'minimal@1',
      size: { cpus: 2, memoryMiB: 256, homeMiB: 64 },
      labels: { team: 'blue', 'stage/now': '' },
      startup: {
        command: 'exec /etc/app/run',
        variables: { MODE: 'from the flag', PORT: '80=http' },
        files: [{ path: 'app/run', content: '#!/bin/sh\necho é\n', isExecutable: true }],
      },
    })
  })

  it('changes some labels by sending them all', async () => {
    daemon.answer('environments.get', () => ({ ...environmentSample, labels: { stage: 'old', site: 'b' } }))
    const calls = await requestsOf([...COMMAND_LINES['environments.setLabels'], ...bySocket()])
    expect(calls.at(-1)?.input).toEqual({ environment: 'demo', labels: { site: 'b', team: 'blue' } })
  })

  it('reads a policy, changes what is named and sends the whole', async () => {
    const { input } = (await requestsOf([...COMMAND_LINES['backups.setPolicy'], ...bySocket()])).at(-1) ?? {}
    const policy = { ...backupSample.policy, intervalMinutes: null, keep: { last: 24, daily: 7 } }
    expect(input).toEqual({ environment: 'demo', policy })
    const dropping = ['backup', 'policy', 'demo', '--keep-last', 'none', '--keep-yearly', '1', ...bySocket()]
    expect((await requestsOf(dropping)).at(-1)?.input).toMatchObject({ policy: { keep: { yearly: 1 } } })
    const given = (await requestsOf(['backup', 'policy', 'demo', '--host-default', ...bySocket()])).at(-1)
    expect(given).toMatchObject({ name: 'backups.setPolicy', input: { environment: 'demo', policy: null } })
    expect((await requestsOf(['backup', 'policy', 'demo', ...bySocket()])).at(-1)?.name).toBe('backups.status')
  })

  it('says which part of a repository is read, and nests what a proven point is kept as', async () => {
    const check = (await requestsOf([...COMMAND_LINES['backups.check'], ...bySocket()])).at(-1)
    expect(check?.input).toMatchObject({ depth: { part: 2, of: 8 } })
    const drill = (await requestsOf([...COMMAND_LINES.drill, ...bySocket()])).at(-1)
    expect(drill?.input).toMatchObject({ point: 'latest', promoteTo: { name: 'proven', owner: 'local' } })
  })

  it('watches an operation by host name as by socket, with its outcome as the exit status', async () => {
    daemon.answer('operations.get', () => succeededSample)
    const overSsh = await requestsOf(['operations', 'watch', OPERATION, ...byHost])
    expect(await requestsOf(['operations', 'watch', OPERATION, ...bySocket()])).toEqual(overSsh)
    expect(overSsh.map(({ name }) => name)).toEqual(['hello', 'events', 'operations.get', 'operations.steps'])
  })

  it.each(NAMES)('answers %s with JSON alone on stdout', async (name) => {
    const { stdout, stderr, status } = await cli([...COMMAND_LINES[name], '--json', ...bySocket()], world())
    expect(status).toBe(0)
    expect(stderr).toBe('')
    for (const line of stdout.trimEnd().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow()
    if (name !== 'events') expect(stdout.trimEnd().split('\n')).toHaveLength(1)
  })

  it.each([
    ['not_found', 3],
    ['forbidden', 4],
    ['operation_in_flight', 7],
    ['owner_limit_reached', 8],
    ['guest_gone', 10],
    ['repository_unreachable', 16],
    ['no_recovery_point', 3],
  ] as const)('ends with the exit of %s, its hint and its request id', async (code, exit) => {
    daemon.answer('environments.get', () => {
      throw new PilothouseError(code, 'It is so.', { requestId: 'req-00000000000000ff', details: { fact: 1 } })
    })
    const human = await cli(['env', 'show', 'demo', ...bySocket()], world())
    expect(human.status).toBe(exit)
    expect(human.stdout).toBe('')
    expect(human.stderr).toContain('It is so.')
    expect(human.stderr).toContain('req-00000000000000ff')
    const json = await cli(['env', 'show', 'demo', '--json', ...bySocket()], world())
    expect(json.status).toBe(exit)
    expect(JSON.parse(json.stderr)).toMatchObject({
      error: { code, requestId: 'req-00000000000000ff', details: { fact: 1 } },
    })
  })

  it('says unreachable when the socket is not there', async () => {
    const { status, stderr } = await cli(['env', 'list', '--json', '--socket', join(folder, 'absent.sock')], world())
    expect(status).toBe(5)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'daemon_absent' } })
  })

  it.each([[bySocket], [() => byHost]])('says unreachable when the stream of events is cut (%#)', async (target) => {
    daemon.answer('events', async function* () {
      yield* ANSWERS.events
      await new Promise(() => undefined)
    })
    const run = startCli(['events', '--json', ...target()], world())
    while (run.stdout.text.split('\n').length < 3) await new Promise(setImmediate)
    await served.close()
    expect(await run.status).toBe(5)
    expect(JSON.parse(run.stderr.text)).toMatchObject({ error: { code: 'host_unreachable' } })
  })

  it('says not found for a host that is not stored', async () => {
    const { status, stderr } = await cli(['env', 'list', '--host', 'nowhere'], world())
    expect(status).toBe(3)
    expect(stderr).toContain('nowhere')
  })

  it('refuses a host whose key was not accepted', async () => {
    store.hosts.add({ id: 'host-000000ff' as never, name: 'stranger' as never, target: ssh.targetOf(folder) }, 0)
    const { status, stderr } = await cli(['hello', '--json', '--host', 'stranger'], world())
    expect(status).toBe(6)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'host_key_unknown' } })
  })
})
