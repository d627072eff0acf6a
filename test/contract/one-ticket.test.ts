import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newCommandId, newRequestId, spawnInput } from '../support/fake-driver-daemon.ts'
import { serveFakeDriverDaemon } from '../support/served-fake-daemon.ts'

const MANY = 1_000
const CONNECTIONS = 8

type Served = Awaited<ReturnType<typeof serveFakeDriverDaemon>>
type Client = Awaited<ReturnType<Served['connect']>>['client']

describe.each(['reset', 'destroy'] as const)('one ticket to %s, submitted a thousand times at once', (kind) => {
  let served: Served
  let clients: Client[]
  const context = () => ({ context: { requestId: newRequestId() } })

  beforeEach(async () => {
    served = await serveFakeDriverDaemon()
    clients = []
    for (let index = 0; index < CONNECTIONS; index += 1) clients.push((await served.connect('admin')).client)
  })
  afterEach(() => served.remove())

  const first = (): Client => {
    const [client] = clients
    if (client === undefined) throw new Error('No connection')
    return client
  }
  const planned = async () => {
    const { id } = await first().environments.spawn(spawnInput('web'), context())
    await first().operations.wait({ id, timeoutMs: 10_000 }, context())
    const { ticket } = await first().environments[kind].plan({ environment: 'web' }, context())
    return { environment: 'web', ticket: ticket.id, confirmName: 'web' }
  }
  const submit = (input: object, commandIdOf: () => string) =>
    Promise.allSettled(
      Array.from({ length: MANY }, (_unused, index) => {
        const client = clients[index % CONNECTIONS] ?? first()
        return client.environments[kind].run({ ...input, commandId: commandIdOf() } as never, context())
      }),
    )

  it('runs once for as many commands; the others are told why', async () => {
    const outcomes = await submit(await planned(), newCommandId)
    const accepted = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    const codes = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : [],
    )
    expect(accepted).toHaveLength(1)
    expect(codes).toHaveLength(MANY - 1)
    // The environment of a ticket that has done its work may be gone by then.
    for (const code of new Set(codes)) expect(['ticket_used', 'operation_in_flight', 'not_found']).toContain(code)
    const refusals = served.host.activity().filter(({ action, outcome }) => action === kind && outcome === 'refused')
    expect(refusals).toHaveLength(MANY - 1)
    const all = await first().operations.list({ limit: 500 }, context())
    expect(all.filter((operation) => operation.kind === kind)).toHaveLength(1)
  })

  it('is one operation for the same command, however often that is repeated', async () => {
    const commandId = newCommandId()
    const outcomes = await submit(await planned(), () => commandId)
    const ids = outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.id : String(outcome.reason)))
    expect(new Set(ids).size).toBe(1)
    expect(ids[0]).toMatch(/^op-/)
  })
})
