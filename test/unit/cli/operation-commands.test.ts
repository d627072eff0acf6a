import { describe, expect, it } from 'vitest'
import { environmentFacts, environmentTable } from '../../../src-main/shell/cli/render/environment.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import { fakeDaemonWorld, type Sent } from '../../support/answering-session.ts'
import { cli } from '../../support/cli-run.ts'
import { ANSWERS, AT, environmentSample, operationSample, succeededSample } from '../../support/contract-samples.ts'

const ID = operationSample.id
const WATCH = ['operations', 'watch', ID]
const failure = new PilothouseError('home_gone', 'The home of demo is gone.', {
  requestId: 'req-00000000000000aa',
}).toFailure()
const homeGone = { ...operationSample, status: { kind: 'failed' as const, endedAt: AT, failure } }
const cancelled = { ...operationSample, status: { kind: 'cancelled' as const, endedAt: AT } }

const entry = {
  direction: 'forward',
  step: 'prepare_home',
  stepIndex: 1,
  attempt: null,
  startedAt: AT + 100,
  endedAt: null,
  outcome: null,
  detail: null,
}
const changed = { type: 'operation_changed', cursor: { epoch: 'e', seq: 8 }, operation: operationSample }

/** Answers in turn, the last one again and again. */
function inTurn(answers: readonly unknown[]): () => unknown {
  let next = 0
  return () => answers[Math.min(next++, answers.length - 1)]
}

describe('operations watch', () => {
  const journal = [
    [entry],
    [{ ...entry, endedAt: AT + 400, outcome: 'done' }],
    [
      { ...entry, endedAt: AT + 400, outcome: 'done' },
      {
        ...entry,
        step: 'start_guest',
        attempt: 1,
        startedAt: AT + 400,
        endedAt: AT + 900,
        outcome: 'failed',
        detail: 'x\ny',
      },
    ],
  ]
  const answers = {
    events: () => [...ANSWERS.events, changed, changed],
    'operations.get': inTurn([operationSample, operationSample, operationSample, succeededSample]),
    'operations.steps': inTurn([...journal, journal.at(-1)]),
  }

  it('says each step once when it begins and once when it ends', async () => {
    const { status, stdout } = await cli(WATCH, fakeDaemonWorld([], answers))
    expect(status).toBe(0)
    expect(stdout.split('\n').slice(0, 3)).toEqual([
      '   0.1 s  prepare_home  begins',
      '   0.4 s  prepare_home  done after 300 ms',
      '   0.9 s  start_guest, attempt 1  failed after 500 ms  x y',
    ])
    expect(stdout).toContain('succeeded')
  })

  it('says it as JSON lines, the operation last', async () => {
    const world = fakeDaemonWorld([], { 'operations.get': () => succeededSample })
    const { stdout } = await cli([...WATCH, '--json'], world)
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
    expect(lines).toEqual([...ANSWERS['operations.steps'], succeededSample])
  })

  it.each([
    [homeGone, 10],
    [cancelled, 14],
  ])('ends as the operation did (%#)', async (operation, exit) => {
    const world = fakeDaemonWorld([], { 'operations.get': () => operation })
    expect((await cli(WATCH, world)).status).toBe(exit)
  })

  it('never takes the end of the events for the end of the operation', async () => {
    expect((await cli(WATCH, fakeDaemonWorld([]))).status).toBe(5)
  })

  it('refuses an id that is none before it asks', async () => {
    const sent: Sent[] = []
    expect((await cli(['operations', 'watch', '--', '-x'], fakeDaemonWorld(sent))).status).toBe(2)
    expect(sent).toEqual([])
  })
})

describe('operations wait', () => {
  it('is not done while the operation runs on', async () => {
    const world = fakeDaemonWorld([], { 'operations.wait': () => operationSample })
    const { status, stdout, stderr } = await cli(['operations', 'wait', ID, '--json'], world)
    expect(status).toBe(11)
    expect(JSON.parse(stdout)).toMatchObject({ status: { kind: 'running' } })
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'deadline_exceeded', requestId: operationSample.requestId },
    })
  })

  it('says what to do where the home is gone', async () => {
    const world = fakeDaemonWorld([], { 'operations.wait': () => homeGone })
    const { status, stderr } = await cli(['operations', 'wait', ID], world)
    expect(status).toBe(10)
    expect(stderr).toContain('pilothouse env reset demo --plan')
  })
})

describe('a usage error', () => {
  it.each([
    [['env', 'vanish']],
    [['env', 'show']],
    [['env']],
    [['env', 'list']],
    [['env', 'show', '../x']],
    [['env', 'resize', 'demo']],
    [['env', 'reset', 'demo']],
  ])('%j carries the request id of its run, as JSON too', async (words) => {
    const world = words[1] === 'list' ? {} : fakeDaemonWorld([])
    const { status, stderr } = await cli([...words, '--json'], world)
    expect(status).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'invalid_request', requestId: expect.stringMatching(/^req-[0-9a-f]{16}$/) as string },
    })
  })

  it('says which sizes there are when none was given', async () => {
    const { stderr } = await cli(['env', 'resize', 'demo'], fakeDaemonWorld([]))
    expect(stderr).toContain('say at least one of --cpus, --memory-mib, --home-mib')
  })
})

describe('an environment', () => {
  it('shows labels and names of what its guest is told, sorted', () => {
    const shown = environmentFacts({
      ...environmentSample,
      labels: { b: '2', a: '1' },
      startup: { hasCommand: true, variables: ['MODE'], files: [{ path: 'etc/a', bytes: 2048, isExecutable: true }] },
    })
    expect(shown).toMatch(
      /labels +a=1\n +b=2\nat start +a command\nvariables +MODE\nfiles +etc\/a \(2 KiB, executable\)/,
    )
  })

  it('says that its home is gone and what to do', () => {
    const gone = { ...environmentSample, home: { ...environmentSample.home, goneAt: AT } }
    expect(environmentFacts(gone)).toMatch(/gone since .*\n.*pilothouse env reset demo --plan/)
    expect(environmentTable([gone])).toContain('running, home gone')
  })

  it('says why it is quarantined and what that leaves', () => {
    const quarantined = { ...environmentSample, quarantine: 'Its size is not a size.' }
    expect(environmentFacts(quarantined)).toMatch(/Its size is not a size\.\n.*can be stopped and destroyed/)
    expect(environmentTable([quarantined])).toContain('quarantined')
  })
})

describe('an owner', () => {
  it('is listed with a note that stays narrow, and shown whole as JSON', async () => {
    const note = `${'word '.repeat(40)}end`
    const owners = { 'owners.list': () => ANSWERS['owners.list'].map((owner) => ({ ...owner, note })) }
    const { stdout } = await cli(['owners', 'list'], fakeDaemonWorld([], owners))
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThan(110)
    expect((await cli(['owners', 'list', '--json'], fakeDaemonWorld([], owners))).stdout).toContain(note)
  })
})
