import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newCommandId, newRequestId, spawnInput } from '../support/fake-driver-daemon.ts'
import { filesIn, makePoint, putFiles, readStore } from '../support/made-points.ts'
import { serveFakeDriverDaemon } from '../support/served-fake-daemon.ts'

const MANY = 1_000
const CONNECTIONS = 8
const THEN = { 'notes.txt': 'as it was' }
const NOW = { 'notes.txt': 'as it is now', new: 'yes' }

type Served = Awaited<ReturnType<typeof serveFakeDriverDaemon>>
type Client = Awaited<ReturnType<Served['connect']>>['client']

describe('one ticket to restore or undo, confirmed a thousand times at once over the admin socket', () => {
  let served: Served
  let clients: Client[]
  const sockets: { close(): void }[] = []
  const context = () => ({ context: { requestId: newRequestId() } })
  const first = (): Client => {
    const [client] = clients
    if (client === undefined) throw new Error('No connection')
    return client
  }
  const web = { environment: 'web' } as never
  const ended = ({ id }: { readonly id: string }) => first().operations.wait({ id, timeoutMs: 20_000 }, context())
  const homeNow = async () => (await first().environments.get(web, context())).home.id

  beforeEach(async () => {
    served = await serveFakeDriverDaemon()
    clients = []
    for (let index = 0; index < CONNECTIONS; index += 1) {
      const { client, socket } = await served.connect('admin')
      sockets.push(socket)
      clients.push(client)
    }
    await ended(await first().environments.spawn(spawnInput('web'), context()))
    await putFiles(served.host, 'web', THEN)
    await makePoint(served.host, 'web')
    await putFiles(served.host, 'web', NOW)
  })
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.close()
    await served.remove()
  })

  const planned = async (kind: 'restore' | 'undo') => {
    const { ticket } =
      kind === 'restore'
        ? await first().restore.plan({ environment: 'web', point: 'latest' }, context())
        : await first().undo.plan(web, context())
    return { environment: 'web', ticket: ticket.id, confirmName: 'web' }
  }
  const submit = (kind: 'restore' | 'undo', input: object, commandIdOf: () => string) =>
    Promise.allSettled(
      Array.from({ length: MANY }, (_unused, index) => {
        const client = clients[index % CONNECTIONS] ?? first()
        return client[kind].run({ ...input, commandId: commandIdOf() } as never, context())
      }),
    )
  /** One ran, all others were told why not, and every one of them is on record. */
  const expectOnce = async (kind: 'restore' | 'undo', outcomes: Awaited<ReturnType<typeof submit>>) => {
    const accepted = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const codes = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : [],
    )
    expect(accepted).toHaveLength(1)
    expect(codes).toHaveLength(MANY - 1)
    for (const code of new Set(codes)) expect(['ticket_used', 'operation_in_flight']).toContain(code)
    expect(await ended(accepted[0]!)).toMatchObject({ status: { kind: 'succeeded' } })
    const action = kind === 'restore' ? 'restore' : 'undo_restore'
    const mine = served.host.activity().filter((entry) => entry.action === action)
    expect(mine.filter(({ outcome }) => outcome === 'refused')).toHaveLength(MANY - 1)
    expect(mine.filter(({ outcome }) => outcome === 'swapped_home')).toHaveLength(1)
    const all = await first().operations.list({ limit: 500 }, context())
    expect(all.filter((operation) => operation.kind === action)).toHaveLength(1)
    expect(served.host.machine.mostGuestsPerHome).toBeLessThanOrEqual(1)
  }

  it('swaps the home once, and back once', async () => {
    const old = await homeNow()
    await expectOnce('restore', await submit('restore', await planned('restore'), newCommandId))
    const restored = await homeNow()
    expect(filesIn(served.host, restored)).toEqual(THEN)
    expect(served.host.machine.homes.ids().sort()).toEqual([old, restored].sort())
    expect(served.host.repositories.calls.fill).toBe(1)
    await expectOnce('undo', await submit('undo', await planned('undo'), newCommandId))
    expect(await homeNow()).toBe(old)
    expect(filesIn(served.host, old)).toEqual(NOW)
    expect(served.host.machine.homes.ids().sort()).toEqual([old, restored].sort())
  }, 60_000)

  it('runs one of two tickets that two admins hold for the same environment', async () => {
    const [mine, theirs] = [await planned('restore'), await planned('restore')]
    const outcomes = (
      await Promise.all([submit('restore', mine, newCommandId), submit('restore', theirs, newCommandId)])
    ).flat()
    const accepted = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const codes = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : [],
    )
    expect(accepted).toHaveLength(1)
    for (const code of new Set(codes)) expect(['ticket_used', 'operation_in_flight', 'plan_outdated']).toContain(code)
    await ended(accepted[0]!)
    expect(served.host.repositories.calls.fill).toBe(1)
    expect((await first().environments.get(web, context())).generation).toBe(2)
  }, 60_000)

  it('is refused to an operator on his own socket, whoever made it, and stays good for its admin', async () => {
    const input = await planned('restore')
    const { client, socket } = await served.connect('operator')
    sockets.push(socket)
    const before = await homeNow()
    const run = client.restore.run({ ...input, commandId: newCommandId() }, context())
    await expect(run).rejects.toMatchObject({ code: 'forbidden' })
    expect(await homeNow()).toBe(before)
    const accepted = await first().restore.run({ ...input, commandId: newCommandId() }, context())
    expect(await ended(accepted)).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it.each<[string, () => unknown, string]>([
    ['is renamed', () => first().environments.rename({ environment: 'web', name: 'www' }, context()), 'name'],
    ['goes to another owner', () => changeRecord("owner = 'other'"), 'owner'],
    ['has another image', () => changeRecord("image = 'minimal@2'"), 'image'],
    [
      'is started anew',
      async () =>
        ended(await first().environments.reboot({ ...(web as object), commandId: newCommandId() } as never, context())),
      'generation',
    ],
  ])('changes nothing where the environment %s between plan and confirmation', async (_how, change, fact) => {
    const input = await planned('restore')
    const before = await homeNow()
    await change()
    const { environments } = await first().environments.list({}, context())
    const { name } = environments[0]!
    const again = { ...input, environment: name, confirmName: name, commandId: newCommandId() }
    const refused = first().restore.run(again, context())
    await expect(refused).rejects.toMatchObject({
      code: 'plan_outdated',
      message: expect.stringContaining(`${fact} was`) as string,
    })
    const { home } = await first().environments.get({ environment: name }, context())
    expect(home.id).toBe(before)
    expect(served.host.machine.homes.ids()).toEqual([before])
    expect(filesIn(served.host, before)).toEqual(NOW)
  })

  async function changeRecord(change: string): Promise<void> {
    await first().owners.put({ name: 'other', limit: 'unlimited' } as never, context())
    readStore(served.host, (store) => store.db.run(`UPDATE environments SET ${change} WHERE name = 'web'`, {}))
  }
})
