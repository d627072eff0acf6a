import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src-main/lib/clock.ts'
import { sessionOpener } from '../../src-main/shell/cli/sessions.ts'
import type { DriftPlan } from '../../src-shared/model/drift.ts'
import type { Environment } from '../../src-shared/model/environment.ts'
import { claimedActorSchema } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Plan, Ticket } from '../../src-shared/model/plan.ts'
import { socketNameOf, type Role } from '../../src-shared/model/role.ts'
import { cli, countingRandom } from '../support/cli-run.ts'
import { serveFakeDriverDaemon } from '../support/served-fake-daemon.ts'

interface Failed {
  readonly error: { readonly code: string; readonly requestId: string; readonly hint: string }
}

describe('the command line and a daemon with pretended guests', () => {
  let served: Awaited<ReturnType<typeof serveFakeDriverDaemon>>
  beforeEach(async () => {
    served = await serveFakeDriverDaemon()
    await ok('env', 'spawn', 'web', '--image', 'minimal@1', '--owner', 'local', '--wait')
  })
  afterEach(() => served.remove())

  const run = (role: Role, words: readonly string[], random = countingRandom()) =>
    cli([...words, '--json', '--socket', `${served.socketDirectory}/${socketNameOf(role)}`], {
      openSession: sessionOpener({
        hosts: () => {
          throw new Error('This test has no hosts.')
        },
        environment: {} as never,
        clock: systemClock,
        random,
        claimedActor: claimedActorSchema.parse('tester@bench'),
      }),
    })

  /** Every command here is one of its own, so each names its command id. */
  let commands = 0
  const named = (words: readonly string[]) => {
    const isCommand =
      /^(spawn|start|stop|reboot|recover|resize)$/.test(words[1] ?? '') ||
      (words[0] === 'env' && words.includes('--ticket'))
    const id = `cmd-${String((commands += 1)).padStart(32, '0')}`
    return isCommand && !words.includes('--command-id') ? [...words, '--command-id', id] : words
  }

  async function ok(...words: string[]): Promise<unknown> {
    const { status, stdout, stderr } = await run('admin', named(words))
    expect([status, stderr], words.join(' ')).toEqual([0, ''])
    const lines = stdout.trimEnd().split('\n')
    return JSON.parse(lines.at(-1) ?? '')
  }

  async function refused(words: readonly string[], role: Role = 'admin'): Promise<[number, Failed['error']]> {
    const { status, stderr } = await run(role, named(words))
    return [status, (JSON.parse(stderr) as Failed).error]
  }

  const shown = async () => (await ok('env', 'show', 'web')) as Environment
  const planned = async (verb: string) =>
    (await ok('env', verb, 'web', '--plan')) as { readonly plan: Plan; readonly ticket: Ticket }

  it('resets by plan and ticket, once, with the name typed', async () => {
    const before = await shown()
    const { plan, ticket } = await planned('reset')
    expect(plan).toMatchObject({ kind: 'reset', needsName: true })
    const reset = ['env', 'reset', 'web', '--ticket', ticket.id]
    expect((await refused(reset))[0]).toBe(2)
    expect((await shown()).home.id).toBe(before.home.id)
    const done = (await ok(...reset, '--confirm-name', 'web', '--reason', 'over', '--wait')) as Operation
    expect(done).toMatchObject({ kind: 'reset', status: { kind: 'succeeded' } })
    expect((await shown()).home.id).not.toBe(before.home.id)
    expect(await refused([...reset, '--confirm-name', 'web'])).toMatchObject([9, { code: 'ticket_used' }])
  })

  it('refuses the ticket of an outdated plan, and one of another operation', async () => {
    const { ticket } = await planned('destroy')
    const asReset = ['env', 'reset', 'web', '--ticket', ticket.id, '--confirm-name', 'web']
    expect(await refused(asReset)).toMatchObject([9, { code: 'ticket_invalid' }])
    await ok('env', 'reboot', 'web', '--wait')
    const destroy = ['env', 'destroy', 'web', '--ticket', ticket.id, '--confirm-name', 'web']
    expect(await refused(destroy)).toMatchObject([9, { code: 'plan_outdated' }])
    expect((await shown()).observed.kind).toBe('running')
  })

  it('recovers with the home, and says so where the home is gone', async () => {
    const { home, boot } = await shown()
    await ok('env', 'recover', 'web', '--reason', 'it hangs', '--wait')
    const after = await shown()
    expect([after.home.id, after.boot?.ordinal]).toEqual([home.id, (boot?.ordinal ?? 0) + 1])
    await ok('env', 'stop', 'web', '--wait')
    served.host.machine.homes.delete(home.id)
    expect(await refused(['env', 'recover', 'web', '--wait'])).toMatchObject([10, { code: 'home_gone' }])
    expect((await shown()).home.goneAt).not.toBeNull()
  })

  it('labels, renames, resizes and protects', async () => {
    expect(await ok('env', 'label', 'web', 'team=blue', 'stage=old')).toEqual({ team: 'blue', stage: 'old' })
    expect(await ok('env', 'label', 'web', 'stage-', 'site=')).toEqual({ team: 'blue', site: '' })
    expect(await ok('env', 'rename', 'web', 'web-2')).toMatchObject({ name: 'web-2' })
    expect(await ok('env', 'rename', 'web-2', 'web')).toMatchObject({ labels: { team: 'blue', site: '' } })
    expect(await refused(['env', 'resize', 'web', '--cpus', '2'])).toMatchObject([7, { code: 'wrong_state' }])
    await ok('env', 'stop', 'web', '--wait')
    await ok('env', 'resize', 'web', '--cpus', '2', '--memory-mib', '1024', '--wait')
    expect((await shown()).size).toMatchObject({ cpus: 2, memoryMiB: 1024 })
    await ok('env', 'protect', 'web', 'on')
    expect(await refused(['env', 'reset', 'web', '--plan'])).toMatchObject([7, { code: 'deletion_protected' }])
  })

  it('tells every step of an operation, and ends as it did', async () => {
    const { id } = ((await ok('operations', 'list')) as Operation[])[0]!
    const { status, stdout } = await run('viewer', ['operations', 'watch', id])
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(status).toBe(0)
    expect(lines.at(-1)).toMatchObject({ id, status: { kind: 'succeeded' } })
    expect(lines.slice(0, -1)).toEqual(await ok('operations', 'steps', id))
  })

  it('hands start-up values over, and never shows one', async () => {
    const words = 'env spawn told --image minimal@1 --owner local --startup-command true --env TOKEN=hunter2 --wait'
    await ok(...words.split(' '))
    const { stdout } = await run('admin', ['env', 'show', 'told'])
    expect(JSON.parse(stdout)).toMatchObject({ startup: { hasCommand: true, variables: ['TOKEN'], files: [] } })
    const everything = await Promise.all(
      [
        ['operations', 'list'],
        ['activity', 'list'],
        ['env', 'list'],
      ].map((each) => run('admin', each)),
    )
    expect([stdout, ...everything.map((each) => each.stdout)].join('')).not.toContain('hunter2')
    expect(
      served.host.machine.guests.ids().map((guest) => served.host.machine.guests.get(guest)?.startup),
    ).toContainEqual(expect.objectContaining({ variables: { TOKEN: 'hunter2' } }))
  })

  it('cleans a leftover up by plan and ticket, and refuses the ticket to another command after that', async () => {
    const homeId = `home-${'0'.repeat(14)}cc`
    served.host.machine.homes.put(homeId, { homeId, sizeMiB: 64, content: 'someone’s' })
    const item = `home:${homeId}`
    const { plan, ticket } = (await ok('drift', 'clean-up', item, '--plan')) as { plan: DriftPlan; ticket: Ticket }
    expect(plan).toMatchObject({ needsName: true, items: [{ id: item }] })
    const run = ['drift', 'clean-up', '--ticket', ticket.id, '--confirm-name']
    expect((await refused([...run, 'web']))[0]).toBe(2)
    expect(await ok(...run, 'test-host')).toEqual({ removed: [item], failed: [] })
    expect(served.host.machine.homes.get(homeId)).toBeUndefined()
    const another = [...run, 'test-host', '--command-id', `cmd-${'e'.repeat(32)}`]
    expect(await refused(another)).toMatchObject([9, { code: 'ticket_used' }])
    expect((await shown()).observed.kind).toBe('running')
  })

  it('says which role is needed, with the request id under which the daemon logs it', async () => {
    const [status, error] = await refused(['env', 'reset', 'web', '--plan'], 'operator')
    expect([status, error.code]).toEqual([4, 'forbidden'])
    expect(error.requestId).toMatch(/^req-[0-9a-f]{16}$/)
    expect(error).toMatchObject({ message: expect.stringContaining('admin') as string })
    const logged = served.log.lines.filter(({ requestId }) => requestId === error.requestId)
    expect(logged).toContainEqual(expect.objectContaining({ requestId: error.requestId }))
  })
})
