import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openConsoleOf } from '../../scripts/demo/console-of.ts'
import { GuestShell } from '../../scripts/demo/guest-shell.ts'
import { fromRoot, installedProgram, ROOT } from '../../scripts/lib/paths.ts'
import { runAny, type RunResult } from '../../scripts/lib/run.ts'
import { Teardown } from '../../scripts/lib/teardown.ts'
import { hostTargetSchema } from '../../src-shared/model/host.ts'
import { hostNameSchema } from '../../src-shared/model/ids.ts'
import type { DaemonSession } from '../../src-main/shell/cli/ports.ts'
import { startTestHost, type TestHost } from '../support/private-host.ts'

const DEADLINE_MS = 170_000
const ASKED = { requestId: 'req-00000000000000de' as never, claimedActor: 'tester@bench' as never }

let folder: string
let host: TestHost
let teardown: Teardown

beforeAll(async () => {
  host = await startTestHost({ image: 'minimal' })
  folder = await mkdtemp(join(tmpdir(), 'demo-console-'))
  teardown = new Teardown()
  const { roster } = openConsoleOf(folder, teardown)
  for (const login of ['admin', 'operator'] as const) {
    roster.add(hostNameSchema.parse(login), hostTargetSchema.parse(host.targets[login]))
    await roster.acceptKey(hostNameSchema.parse(login), host.fingerprint, AbortSignal.timeout(20_000))
  }
})
afterAll(async () => {
  await teardown.run()
  await host.dispose()
  await rm(folder, { recursive: true })
})

function demo(...words: string[]): Promise<RunResult> {
  const argv = ['npm', 'run', '--silent', 'demo:recovery', '--', ...words]
  return runAny(argv, { cwd: ROOT, env: { ...process.env, PILOTHOUSE_DATA_DIR: folder }, deadlineMs: DEADLINE_MS })
}

/** The built command line as a person runs it: a process of its own each time, over SSH, to the host of that name. */
async function pilothouse(...words: string[]): Promise<string> {
  const argv = [installedProgram('node'), fromRoot('out', 'main', 'cli.js'), ...words, '--host', 'admin']
  const env = { ...process.env, PILOTHOUSE_DATA_DIR: folder }
  const { exitCode, stdout, output } = await runAny(argv, { cwd: '/', env, deadlineMs: DEADLINE_MS })
  expect(exitCode, output).toBe(0)
  return stdout
}

/** What is left of it on the host, by the host's own list. */
async function environmentsLeft(): Promise<readonly string[]> {
  const over = new Teardown()
  try {
    const session = await openConsoleOf(folder, over).connect('admin', AbortSignal.timeout(20_000))
    over.defer('the connection', () => {
      session.dispose()
      return Promise.resolve()
    })
    return (await session.client.environments.list({}, { context: ASKED })).environments.map(({ name }) => name)
  } finally {
    await over.run()
  }
}

describe('npm run demo:recovery -- --host NAME', () => {
  it('makes the whole journey on a host of the console and leaves nothing', async () => {
    const { exitCode, stdout, output } = await demo('--host', 'admin')
    expect(exitCode, output).toBe(0)
    const steps = ['connect', 'spawn', 'write', 'backUp', 'break', 'recover', 'reset', 'restore', 'undo', 'destroy']
    const said = JSON.parse(stdout) as { timesMs: Record<string, number> }
    expect(said).toMatchObject({ ok: true, host: 'admin', brokenBy: 'power-off' })
    expect(Object.keys(said.timesMs)).toEqual([...steps, 'total'])
    expect(await environmentsLeft()).toEqual([])
  })

  it('begins nothing as a role that may not clean up after it', async () => {
    const { exitCode, stdout, output } = await demo('--host', 'operator')
    expect([exitCode, stdout], output).toEqual([1, ''])
    expect(output).toContain('operator; this needs an admin')
    expect(await environmentsLeft()).toEqual([])
  })

  it.each([
    [['--host', 'nowhere'], 'nowhere'],
    [['--hots', 'admin'], '--hots'],
  ])('refuses %j', async (words, says) => {
    const { exitCode, stdout, output } = await demo(...words)
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(output).toContain(says)
  })
})

describe('the same in the hands of an admin, by the command line alone', () => {
  let customer: DaemonSession
  let over: Teardown
  beforeAll(async () => {
    over = new Teardown()
    customer = await openConsoleOf(folder, over).connect('admin', new AbortController().signal)
  })
  afterAll(async () => {
    customer.dispose()
    await over.run()
  })

  /** What the customer's shell, on the guest's console, says to that. */
  const inGuest = async (command: string): Promise<string> => {
    const { id: environment, boot } = await customer.client.environments.get({ environment: 'web' }, { context: ASKED })
    if (boot === null) throw new Error('There is no guest.')
    const shell = new GuestShell(customer, { environment, bootId: boot.id })
    try {
      return await shell.ask(command)
    } finally {
      shell.close()
    }
  }
  /** Plans, and runs the very command that the plan prints. */
  const runPlanned = async (...words: string[]): Promise<string> => {
    const [, line = ''] = /^run with: pilothouse (.+)$/m.exec(await pilothouse(...words)) ?? []
    return pilothouse(...line.split(' '), '--wait')
  }

  it('brings a deleted folder back from before, looks, and takes that back', async () => {
    await pilothouse('env', 'spawn', 'web', '--image', 'minimal@1', '--owner', 'local', '--wait')
    await inGuest('mkdir -p /home/photos && echo sea > /home/photos/one && sync')
    await pilothouse('backup', 'now', 'web', '--wait')
    await inGuest('rm -rf /home/photos; sync')
    await pilothouse('backup', 'now', 'web', '--wait')
    const points = JSON.parse(await pilothouse('backup', 'list', 'web', '--json')) as { readonly id: string }[]
    expect(points).toHaveLength(2)
    const { id: before } = points[1]!
    expect(await pilothouse('backup', 'files', 'web', before, '/photos')).toContain('one')

    expect(await runPlanned('restore', 'plan', 'web', '--point', before)).toContain('The home is that of point ')
    expect(await inGuest('cat /home/photos/one')).toBe('sea')
    expect(await runPlanned('restore', 'undo', 'web', '--plan')).toContain(
      'The home that the restore had replaced is back.',
    )
    expect(await inGuest('ls -d /home/photos 2> /dev/null || echo gone')).toBe('gone')

    await runPlanned('env', 'destroy', 'web', '--plan')
    expect(await environmentsLeft()).toEqual([])
  })
})
