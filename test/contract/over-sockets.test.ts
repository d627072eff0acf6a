import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Role } from '../../src-shared/model/role.ts'
import { newRequestId, spawnInput } from '../support/fake-driver-daemon.ts'
import { serveFakeDriverDaemon } from '../support/served-fake-daemon.ts'

const MANY = 200

describe('the daemon behind its role sockets', () => {
  let served: Awaited<ReturnType<typeof serveFakeDriverDaemon>>
  const sockets: { close(): void }[] = []
  const client = async (role: Role) => {
    const { client: calls, socket } = await served.connect(role)
    sockets.push(socket)
    return calls
  }
  const context = () => ({ context: { requestId: newRequestId() } })

  beforeEach(async () => {
    served = await serveFakeDriverDaemon()
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.close()
    await served.remove()
  })

  it('makes one environment of 200 concurrent spawns with one commandId', async () => {
    const operator = await client('operator')
    const input = spawnInput('once')
    const spawns = Array.from({ length: MANY }, () => operator.environments.spawn(input, context()))
    const ids = new Set((await Promise.all(spawns)).map(({ id }) => id))
    expect(ids.size).toBe(1)
    expect((await operator.environments.list({}, context())).environments).toHaveLength(1)
  })

  it('makes 5 of 200 different spawns of an owner limited to 5, with 195 clear errors', async () => {
    await (await client('admin')).owners.put({ name: 'team', limit: 5 }, context())
    const operator = await client('operator')
    const spawns = Array.from({ length: MANY }, (_, index) =>
      operator.environments.spawn(spawnInput(`t-${index}`, 'team'), context()),
    )
    const outcomes = await Promise.allSettled(spawns)
    const refusals = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason as object] : []))
    expect(refusals).toHaveLength(195)
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({
        code: 'owner_limit_reached',
        message: 'team has 5 of at most 5 environments.',
        requestId: expect.stringMatching(/^req-/) as string,
        details: { limit: 5, environmentCount: 5 },
      })
    }
  })

  it('takes the role from the socket and the user from the kernel', async () => {
    const viewer = await client('viewer')
    const hello = await viewer.hello({}, context())
    expect(hello).toMatchObject({ role: 'viewer', uid: process.getuid?.(), drivers: [{ kind: 'fake' }] })
    const refused = viewer.environments.spawn(spawnInput(), context())
    await expect(refused).rejects.toMatchObject({ code: 'forbidden', details: { needed: 'operator' } })
  })

  it('streams the state and its changes', async () => {
    const operator = await client('operator')
    const events = await operator.events({}, context())
    const kinds: string[] = []
    const { id } = await operator.environments.spawn(spawnInput('web'), context())
    for await (const event of events) {
      kinds.push(event.type)
      if (event.type === 'operation_changed' && event.operation.status.kind === 'succeeded') break
    }
    expect(kinds[0]).toBe('snapshot')
    expect(kinds).toContain('environment_changed')
    expect(await operator.operations.get({ id }, context())).toMatchObject({ status: { kind: 'succeeded' } })
  })
})
