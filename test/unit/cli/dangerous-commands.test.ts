import { describe, expect, it } from 'vitest'
import { fakeDaemonWorld, type Answers, type Sent } from '../../support/answering-session.ts'
import { cli, startCli } from '../../support/cli-run.ts'
import { ANSWERS } from '../../support/contract-samples.ts'

const TICKET = `tkt-${'ab'.repeat(16)}`
const HOME = 'home:home-00000000000000bb'

interface Case {
  readonly words: readonly string[]
  readonly plan: keyof typeof ANSWERS
  readonly run: keyof typeof ANSWERS
  readonly planInput: object
  /** What must be typed. */
  readonly name: string
  readonly asks: string
}

const CASES: readonly Case[] = [
  {
    words: ['env', 'destroy', 'demo'],
    plan: 'environments.destroy.plan',
    run: 'environments.destroy.run',
    planInput: { environment: 'demo' },
    name: 'demo',
    asks: "Type the environment's name to destroy it: ",
  },
  {
    words: ['env', 'reset', 'demo'],
    plan: 'environments.reset.plan',
    run: 'environments.reset.run',
    planInput: { environment: 'demo' },
    name: 'demo',
    asks: "Type the environment's name to reset it: ",
  },
  {
    words: ['restore', 'undo', 'demo'],
    plan: 'undo.plan',
    run: 'undo.run',
    planInput: { environment: 'demo' },
    name: 'demo',
    asks: "Type the environment's name to bring the replaced home back: ",
  },
  {
    words: ['restore', 'drop', 'demo'],
    plan: 'drop.plan',
    run: 'drop.run',
    planInput: { environment: 'demo' },
    name: 'demo',
    asks: "Type the environment's name to remove the kept home: ",
  },
  {
    words: ['drift', 'clean-up', HOME],
    plan: 'drift.plan',
    run: 'drift.run',
    planInput: { items: [HOME] },
    name: 'fake-host',
    asks: "Type the host's own name to clean up: ",
  },
]

/** The command, answered by a person at the terminal once it asks. */
async function answering(
  { words }: Case,
  answer: string,
  answers: Answers = {},
): Promise<{ status: number; sent: Sent[]; shown: string }> {
  const sent: Sent[] = []
  const run = startCli([...words, '--reason', 'over'], fakeDaemonWorld(sent, answers, { isTerminal: true }))
  while (!run.stderr.text.includes('Type ')) await new Promise(setImmediate)
  run.stdin.write(answer)
  return { status: await run.status, sent: sent.filter(([name]) => name !== 'hello'), shown: run.stderr.text }
}

describe.each(CASES)('$words', (each) => {
  const { words, plan, run, planInput, name, asks } = each

  it('never runs without a ticket where nobody can be asked', async () => {
    const sent: Sent[] = []
    expect((await cli(words, fakeDaemonWorld(sent))).status).toBe(2)
    expect((await cli([...words, '--json'], fakeDaemonWorld(sent, {}, { isTerminal: true }))).status).toBe(2)
    expect((await cli([...words, '--plan', '--ticket', TICKET], fakeDaemonWorld(sent))).status).toBe(2)
    expect(sent).toEqual([])
  })

  it('prints the plan, the ticket and how to run it, and runs nothing', async () => {
    const sent: Sent[] = []
    const { status, stdout } = await cli([...words, '--plan'], fakeDaemonWorld(sent))
    expect(status).toBe(0)
    expect(stdout).toContain(`pilothouse ${words.slice(0, 2).join(' ')}`)
    expect(stdout).toContain(`--ticket ${TICKET} --confirm-name`)
    expect(sent).toEqual([[plan, planInput]])
  })

  it('shows the plan and runs it once the name is typed', async () => {
    const { status, sent, shown } = await answering(each, `${name}\n`)
    expect(status).toBe(0)
    expect(shown).toContain((ANSWERS[plan] as { plan: { text: string } }).plan.text)
    expect(shown).toContain(asks)
    expect(sent.map(([call]) => call)).toEqual([plan, run])
    expect(sent[0]?.[1]).toEqual(planInput)
    expect(sent[1]?.[1]).toMatchObject({ ticket: TICKET, confirmName: name, reason: 'over' })
  })

  it('does nothing when something else is typed', async () => {
    const { status, sent } = await answering(each, 'yes\n')
    expect(status).toBe(2)
    expect(sent.map(([call]) => call)).toEqual([plan])
  })

  it('takes yes, and sends no name, where the plan asks for none', async () => {
    const planned = ANSWERS[plan] as { plan: object }
    const answers = { [plan]: () => ({ ...planned, plan: { ...planned.plan, needsName: false } }) }
    const { status, sent, shown } = await answering(each, 'yes\n', answers)
    expect(status).toBe(0)
    expect(shown).toContain('Type yes to ')
    expect(sent[1]?.[1]).not.toHaveProperty('confirmName')
  })
})

describe('a restore', () => {
  const POINT = ['--point', 'latest']
  const RUN = ['restore', 'run', 'demo']

  it('is planned by a command of its own, which prints the ticket and how to run it', async () => {
    const sent: Sent[] = []
    const { status, stdout } = await cli(['restore', 'plan', 'demo', ...POINT, '--stop-now'], fakeDaemonWorld(sent))
    expect(status).toBe(0)
    expect(stdout).toContain(ANSWERS['restore.plan'].plan.text)
    expect(stdout).toContain(`run with: pilothouse restore run demo --ticket ${TICKET} --confirm-name demo\n`)
    expect(sent).toEqual([['restore.plan', { environment: 'demo', point: 'latest', isStopNow: true }]])
  })

  it('says where nobody can be asked how it is planned, and has no --plan', async () => {
    const sent: Sent[] = []
    const { status, stderr } = await cli([...RUN, ...POINT], fakeDaemonWorld(sent))
    expect([status, sent]).toEqual([2, []])
    expect(stderr).toContain('Plan with `pilothouse restore plan`, read it, then run with --ticket.')
    expect((await cli([...RUN, '--plan'], fakeDaemonWorld(sent))).status).toBe(2)
  })

  it('asks at a terminal for the name, of the plan for the point that was named', async () => {
    const sent: Sent[] = []
    const run = startCli([...RUN, ...POINT], fakeDaemonWorld(sent, {}, { isTerminal: true }))
    while (!run.stderr.text.includes('Type ')) await new Promise(setImmediate)
    run.stdin.write('demo\n')
    expect(await run.status).toBe(0)
    expect(run.stderr.text).toContain("Type the environment's name to restore it: ")
    expect(sent[0]).toEqual(['restore.plan', { environment: 'demo', point: 'latest' }])
    expect(sent[1]).toMatchObject(['restore.run', { ticket: TICKET, confirmName: 'demo' }])
    expect(sent[1]?.[1]).not.toHaveProperty('point')
  })

  it('refuses a point beside a ticket, which is for that of its plan', async () => {
    const sent: Sent[] = []
    const { status, stderr } = await cli([...RUN, ...POINT, '--ticket', TICKET], fakeDaemonWorld(sent))
    expect([status, sent]).toEqual([2, []])
    expect(stderr).toContain('leave POINT out')
  })
})

describe('a clean-up', () => {
  it('that could not remove everything says what stays, and is not done', async () => {
    const result = { removed: [], failed: [{ id: HOME, problem: 'It is in use.' }] }
    const world = fakeDaemonWorld([], { 'drift.run': () => result })
    const { status, stdout, stderr } = await cli(['drift', 'clean-up', '--ticket', TICKET], world)
    expect(status).toBe(12)
    expect(stdout).toContain(`kept ${HOME}: It is in use.`)
    expect(stderr).toContain('1 of the leftovers could not be removed.')
  })

  it('refuses items beside a ticket, which is for those of its plan', async () => {
    const sent: Sent[] = []
    const { status, stderr } = await cli(['drift', 'clean-up', HOME, '--ticket', TICKET], fakeDaemonWorld(sent))
    expect([status, sent]).toEqual([2, []])
    expect(stderr).toContain('leave ITEMS out')
  })

  it.each([
    [['drift', 'clean-up', '--plan'], 'ITEMS'],
    [['drift', 'clean-up', '../../etc', '--plan'], 'must be an id from the list of leftovers'],
  ])('of nothing that is an item is a usage error: %j', async (words, says) => {
    const sent: Sent[] = []
    const { status, stderr } = await cli(words, fakeDaemonWorld(sent))
    expect([status, sent]).toEqual([2, []])
    expect(stderr).toContain(says)
  })
})
