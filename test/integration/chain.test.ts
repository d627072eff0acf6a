import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { run } from '../../scripts/lib/run.ts'
import { processesInView } from '../../scripts/private-host/view.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { DaemonLink } from '../../src-main/fleet/daemon-link.ts'
import { environmentNameSchema, imageRefSchema, ownerNameSchema, type CommandId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import { startTestHost, type TestHost } from '../support/private-host.ts'
import { linkTo, newCommandId, newContext, TEST_ACTOR } from '../support/ssh-link.ts'

/** The whole chain below the window, for real: SSH, three logins, the daemon, guests. */
let host: TestHost
let viewer: DaemonLink
let operator: DaemonLink
let admin: DaemonLink

beforeAll(async () => {
  host = await startTestHost({ image: 'minimal' })
  viewer = await linkTo(host, 'viewer')
  operator = await linkTo(host, 'operator')
  admin = await linkTo(host, 'admin')
})

afterAll(async () => {
  for (const link of [viewer, operator, admin]) link.dispose()
  await host.dispose()
})

function spawn(link: DaemonLink, wish: { name: string; owner?: string; commandId?: CommandId }): Promise<Operation> {
  return link.client.environments.spawn(
    {
      commandId: wish.commandId ?? newCommandId(),
      name: environmentNameSchema.parse(wish.name),
      owner: ownerNameSchema.parse(wish.owner ?? 'local'),
      image: imageRefSchema.parse('minimal@1'),
      size: { memoryMiB: 128, homeMiB: 32 },
    },
    newContext(),
  )
}

async function ended(operation: Operation): Promise<Operation> {
  const last = await operator.client.operations.wait({ id: operation.id, timeoutMs: 170_000 }, newContext())
  expect(last.status.kind).not.toBe('running')
  return last
}

async function destroy(environment: Operation['environmentId'], name: string): Promise<Operation> {
  const { ticket } = await admin.client.environments.destroy.plan({ environment }, newContext())
  const input = { commandId: newCommandId(), environment, ticket: ticket.id, confirmName: name }
  return ended(await admin.client.environments.destroy.run(input, newContext()))
}

async function commandLinesInView(): Promise<string[]> {
  const members = await processesInView(host.host.layout)
  return Promise.all(members.map(({ pid }) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'no error',
    (error: unknown) => (error instanceof PilothouseError ? error.code : String(error)),
  )
}

describe('roles and names', () => {
  it('come from the login, never from what the client says', () => {
    expect([viewer, operator, admin].map(({ info }) => [info.role, info.user])).toEqual([
      ['viewer', 'viewer'],
      ['operator', 'operator'],
      ['admin', 'admin'],
    ])
  })

  it('keep a viewer from spawning, and say which role it takes', async () => {
    const refusal = await spawn(viewer, { name: 'not-mine' }).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'forbidden', message: expect.stringContaining('operator') as string })
    expect((refusal as PilothouseError).requestId).toMatch(/^req-[0-9a-f]{16}$/)
  })

  it("record a client's word as a claim beside the login", async () => {
    const operation = await ended(await spawn(operator, { name: 'claimed' }))
    expect(operation.actor).toMatchObject({ user: 'operator', role: 'operator', claimedActor: TEST_ACTOR })
    expect((await destroy(operation.environmentId, 'claimed')).status.kind).toBe('succeeded')
  })
})

describe('the host key', () => {
  it('that is not the pinned one is a full stop', async () => {
    const other = { ...host, fingerprint: `SHA256:${'A'.repeat(43)}` }
    expect(await codeOf(linkTo(other, 'operator'))).toBe('host_key_changed')
  })
})

describe('one environment from spawn to destroy', () => {
  it('spawns, stops, starts again and leaves nothing', async () => {
    const spawned = await ended(await spawn(operator, { name: 'whole-life' }))
    expect(spawned.status.kind).toBe('succeeded')
    const environment = spawned.environmentId
    const stop = await operator.client.environments.stop({ commandId: newCommandId(), environment }, newContext())
    expect((await ended(stop)).status.kind).toBe('succeeded')
    expect((await operator.client.environments.get({ environment }, newContext())).observed.kind).toBe('stopped')
    const start = await operator.client.environments.start({ commandId: newCommandId(), environment }, newContext())
    expect((await ended(start)).status.kind).toBe('succeeded')
    expect(await operator.client.environments.get({ environment }, newContext())).toMatchObject({
      observed: { kind: 'running', agent: 'answering' },
      boot: { ordinal: 2 },
    })
    expect((await destroy(environment, 'whole-life')).status.kind).toBe('succeeded')
    expect(await codeOf(operator.client.environments.get({ environment }, newContext()))).toBe('not_found')
    expect(await readdir(join(host.host.layout.state, 'homes'))).toEqual([])
    expect(await readdir(join(host.host.layout.state, 'run'))).toEqual([])
    expect((await commandLinesInView()).filter((line) => line.includes(environment))).toEqual([])
  })
})

describe('many at once', () => {
  it('200 spawns with one commandId make one environment', async () => {
    const commandId = newCommandId()
    const answers = await Promise.all(
      Array.from({ length: 200 }, () => spawn(operator, { name: 'only-one', commandId })),
    )
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1)
    const { environments } = await operator.client.environments.list({}, newContext())
    expect(environments.map(({ name }) => name)).toEqual(['only-one'])
    const [first] = answers
    if (first === undefined) throw new Error('no answer')
    expect((await ended(first)).status.kind).toBe('succeeded')
    expect((await destroy(first.environmentId, 'only-one')).status.kind).toBe('succeeded')
  })

  it('200 spawns of an owner limited to 5 make 5 real guests and 195 clear errors', async () => {
    const tries = Array.from({ length: 200 }, (_, index) =>
      spawn(operator, { name: `guest-${index}`, owner: 'limited' }),
    )
    const settled = await Promise.allSettled(tries)
    const accepted = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as PilothouseError] : []))
    expect(accepted).toHaveLength(5)
    expect(new Set(refused.map(({ code }) => code))).toEqual(new Set(['owner_limit_reached']))
    expect(refused[0]?.message).toContain('5')
    const last = await Promise.all(accepted.map(ended))
    expect(last.map(({ status }) => status.kind)).toEqual(Array.from({ length: 5 }, () => 'succeeded'))
    const gone = await Promise.all(
      last.map(({ environmentId, environmentName }) => destroy(environmentId, environmentName)),
    )
    expect(gone.map(({ status }) => status.kind)).toEqual(Array.from({ length: 5 }, () => 'succeeded'))
  })
})

describe('the network', () => {
  it('has no TCP listener of ours but the test host’s sshd', async () => {
    const members = new Set((await processesInView(host.host.layout)).map(({ pid }) => pid))
    const listeners = (await run(['ss', '-Hltnp'])).split('\n').filter((line) => line !== '')
    const ours = listeners.flatMap((line) => {
      const pids = [...line.matchAll(/pid=(\d+)/g)].map(([, pid]) => Number(pid))
      return pids.some((pid) => members.has(pid) || pid === process.pid) ? [line] : []
    })
    expect(ours).toHaveLength(1)
    expect(ours[0]).toContain(`127.0.0.1:${host.host.port}`)
    expect(ours[0]).toContain('sshd')
  })
})
