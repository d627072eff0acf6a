import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openConsoleOf } from '../../scripts/demo/console-of.ts'
import { ROOT } from '../../scripts/lib/paths.ts'
import { runAny, type RunResult } from '../../scripts/lib/run.ts'
import { Teardown } from '../../scripts/lib/teardown.ts'
import { hostTargetSchema } from '../../src-shared/model/host.ts'
import { hostNameSchema } from '../../src-shared/model/ids.ts'
import { startTestHost, type TestHost } from '../support/private-host.ts'

const DEADLINE_MS = 170_000

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

/** What is left of it on the host, by the host's own list. */
async function environmentsLeft(): Promise<readonly string[]> {
  const over = new Teardown()
  try {
    const session = await openConsoleOf(folder, over).connect('admin', AbortSignal.timeout(20_000))
    over.defer('the connection', () => {
      session.dispose()
      return Promise.resolve()
    })
    const context = { requestId: 'req-00000000000000de' as never, claimedActor: 'tester@bench' as never }
    return (await session.client.environments.list({}, { context })).environments.map(({ name }) => name)
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
