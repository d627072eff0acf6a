import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src-main/lib/clock.ts'
import { sessionOpener } from '../../src-main/shell/cli/sessions.ts'
import { claimedActorSchema, commandIdSchema } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import { cli, type CliWorld } from '../support/cli-run.ts'
import { newCommandId } from '../support/fake-driver-daemon.ts'
import { filesIn, putFiles, UNSCHEDULED } from '../support/made-points.ts'
import { answerAsTold } from '../support/point-bench.ts'
import { serveFakeDriverDaemon } from '../support/served-fake-daemon.ts'

/** A name that would clear a reader's screen. */
const HOSTILE = 'clear\u001b[2J'
const BEFORE = { 'notes.txt': 'as it was', [HOSTILE]: 'x' }
const AFTER = { 'notes.txt': 'as it is now', 'new.txt': 'new' }

describe('recovery by the command line, on a daemon with pretended guests', () => {
  let served: Awaited<ReturnType<typeof serveFakeDriverDaemon>>

  const world = (): CliWorld => ({
    openSession: sessionOpener({
      hosts: () => {
        throw new Error('This test has no hosts.')
      },
      environment: {} as never,
      clock: systemClock,
      random: { hex: (bytes) => newCommandId().slice(4, 4 + bytes * 2), fraction: () => 0 },
      claimedActor: claimedActorSchema.parse('tester@bench'),
    }),
    env: { PILOTHOUSE_SOCKET: `${served.socketDirectory}/admin.sock` },
  })
  const run = (...words: string[]) => cli(words, world())
  const commanded = (...words: string[]) =>
    run(...words, '--command-id', commandIdSchema.parse(newCommandId()), '--wait')

  async function said(answer: Promise<{ status: number; stdout: string; stderr: string }>): Promise<string> {
    const { status, stdout, stderr } = await answer
    expect([status, stderr]).toEqual([0, ''])
    return stdout
  }
  const filesNow = async () => {
    const { home } = JSON.parse(await said(run('env', 'show', 'web', '--json'))) as { home: { id: string } }
    return filesIn(served.host, home.id)
  }
  /** Runs the very command that a plan has printed. */
  const asPrinted = (plan: string) => {
    const [, line = ''] = /^run with: pilothouse (.+)$/m.exec(plan) ?? []
    return commanded(...line.split(' '))
  }

  beforeEach(async () => {
    served = await serveFakeDriverDaemon({ options: { recovery: UNSCHEDULED } })
    await said(commanded('env', 'spawn', 'web', '--image', 'minimal@1', '--owner', 'local'))
    await putFiles(served.host, 'web', BEFORE)
  })
  afterEach(() => served.remove())

  it('tells a monitor before there is a point, and not after', async () => {
    expect((await run('backup', 'status', '--exit-code')).status).toBe(18)
    const words = await said(commanded('backup', 'now', 'web'))
    expect(words).toMatch(/^result +Point [0-9a-f]{16}: /m)
    expect(await said(run('backup', 'status', '--exit-code'))).toContain('healthy')
    expect(await said(run('backup', 'list', 'web'))).toMatch(/^[0-9a-f]{16} /m)
  })

  it('restores and takes it back by the commands that the plans print', async () => {
    await said(commanded('backup', 'now', 'web'))
    await putFiles(served.host, 'web', AFTER)
    const plan = await said(run('restore', 'plan', 'web', '--point', 'latest'))
    expect(plan).not.toContain('\u001b')
    expect(await said(asPrinted(plan))).toContain('The home is that of point ')
    expect(await filesNow()).toEqual(BEFORE)
    expect(await said(run('backup', 'status', 'web'))).toMatch(/^undo +until /m)
    const undo = await said(run('restore', 'undo', 'web', '--plan'))
    expect(await said(asPrinted(undo))).toContain('The home that the restore had replaced is back.')
    expect(await filesNow()).toEqual(AFTER)
    expect((await asPrinted(undo)).status).toBe(9)
    const drop = await said(run('restore', 'drop', 'web', '--plan'))
    expect(drop).toMatch(/^run with: pilothouse restore drop web --ticket \S+ --confirm-name web$/m)
    expect(await said(asPrinted(drop))).toMatch(/The kept home home-[0-9a-f]{16} is gone/)
    expect((await run('restore', 'drop', 'web', '--plan')).status).toBe(3)
    expect(await filesNow()).toEqual(AFTER)
  })

  it('shows what is in a point, and what has changed since, without what would act on the terminal', async () => {
    await said(commanded('backup', 'now', 'web'))
    const first = (JSON.parse(await said(run('backup', 'list', 'web', '--json'))) as { id: string }[])[0]?.id ?? ''
    await putFiles(served.host, 'web', AFTER)
    await said(commanded('backup', 'now', 'web'))
    const listed = await said(run('backup', 'files', 'web', first))
    expect(listed).toContain(String.raw`/clear\u{1b}[2J`)
    const compared = await said(run('backup', 'compare', 'web', first.slice(0, 12), 'latest'))
    expect(compared).toMatch(/^added +file .*\/new\.txt$/m)
    expect(compared).toMatch(/^removed +file .*\/clear\\u\{1b\}\[2J$/m)
    expect(listed + compared).not.toContain('\u001b')
  })

  it('says what it makes of latest where something speaks against the newest point', async () => {
    for (const files of [BEFORE, AFTER]) {
      await putFiles(served.host, 'web', files)
      await said(commanded('backup', 'now', 'web'))
    }
    const points = JSON.parse(await said(run('backup', 'list', 'web', '--json'))) as { id: string }[]
    const [newest = '', good = ''] = points.map(({ id }) => id)
    expect((await commanded('drill', 'web', '--point', 'latest')).stdout).toContain(
      `Point ${newest.slice(0, 16)} is NOT`,
    )
    const note = `The latest good point is ${good.slice(0, 8)}; the newest, ${newest.slice(0, 8)}, is passed over: it did not pass its drill.`
    expect(await said(run('backup', 'files', 'web', 'latest'))).toContain(`point ${good}\n${note}\n`)
    expect(await said(run('backup', 'compare', 'web', good, 'latest'))).toContain(`\n${note}`)
    const copied = await said(commanded('restore', 'files', 'web', '/notes.txt', '--point', 'latest', '--folder', 'x'))
    expect(copied).toMatch(/^note +The latest good point is /m)
    expect(copied).toContain(note)
  })

  it('drills, clones, copies files, checks and prunes, each told in words', async () => {
    await said(commanded('backup', 'now', 'web'))
    const point = ['--point', 'latest']
    const failed = await commanded('drill', 'web', ...point)
    expect(failed.status).toBe(17)
    expect(failed.stdout).toMatch(/^result +Point [0-9a-f]{16} is NOT proved restorable\.$/m)
    served.host.driver.onProgram = answerAsTold
    expect(await said(commanded('drill', 'web', ...point))).toContain('is proved restorable.')
    expect(await said(commanded('restore', 'clone', 'web', 'web-2', ...point, '--owner', 'local'))).toContain(
      'It is made of point ',
    )
    expect(await said(commanded('restore', 'files', 'web', '/notes.txt', ...point, '--folder', 'x'))).toContain(
      '1 files',
    )
    expect(await said(commanded('backup', 'check', 'web', '--depth', 'all'))).toContain('The repository is sound')
    expect(await said(commanded('backup', 'prune', 'web'))).toContain('1 are kept.')
  })

  it('ends with the exit of what is refused', async () => {
    expect((await run('restore', 'plan', 'web', '--point', 'latest')).status).toBe(3)
    expect((await run('restore', 'undo', 'web', '--plan')).status).toBe(7)
    const { status, stderr } = await run('backup', 'policy', 'web', '--keep-last', '3', '--json')
    expect([status, stderr]).toEqual([0, ''])
    const accepted = JSON.parse(await said(run('backup', 'now', 'web', '--json'))) as Operation
    expect(accepted.kind).toBe('backup')
    await said(run('operations', 'wait', accepted.id))
  })
})
