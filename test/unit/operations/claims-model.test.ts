import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Operation } from '../../../src-shared/model/operation.ts'
import { newCommandId, spawnInput, startFakeDriverDaemon } from '../../support/fake-driver-daemon.ts'

const NAMES = ['a', 'b'] as const
const KINDS = [
  ...(['spawn', 'start', 'stop', 'reboot', 'recover', 'reset', 'destroy'] as const),
  ...(['cancel', 'exit', 'pause'] as const),
]
type Deed = { readonly kind: (typeof KINDS)[number]; readonly name: string }

const deed: fc.Arbitrary<Deed> = fc.record({
  kind: fc.constantFrom(...KINDS),
  name: fc.constantFrom(...NAMES),
})

describe('claims', () => {
  it('let no two operations work on one environment, whatever is asked in whatever order', async () => {
    await fc.assert(fc.asyncProperty(fc.array(deed, { minLength: 5, maxLength: 40 }), tryOut), {
      numRuns: 25,
      endOnFailure: true,
    })
  }, 60_000)
})

async function tryOut(deeds: readonly Deed[]): Promise<void> {
  const host = await startFakeDriverDaemon({
    options: { observeIntervalMs: 3, letGoMs: 50 },
    arrange: (driver) => Object.assign(driver.delayMs, { createHome: 1, startGuest: 2, ready: 3, stopGuest: 2 }),
  })
  const client = host.as('admin')
  const accepted: Operation[] = []
  const keep = (operation: Operation) => accepted.push(operation)
  const runPlan = async (kind: 'destroy' | 'reset', environment: string) => {
    const { ticket } = await client.environments[kind].plan({ environment })
    const input = { commandId: newCommandId(), environment, ticket: ticket.id, confirmName: environment }
    keep(await client.environments[kind].run(input))
  }
  const perform = async ({ kind, name }: Deed): Promise<unknown> => {
    const command = { commandId: newCommandId(), environment: name }
    if (kind === 'spawn') return keep(await client.environments.spawn(spawnInput(name)))
    if (kind === 'start' || kind === 'stop' || kind === 'reboot' || kind === 'recover') {
      return keep(await client.environments[kind](command))
    }
    if (kind === 'destroy' || kind === 'reset') return runPlan(kind, name)
    if (kind === 'cancel') return client.operations.cancel({ id: accepted.at(-1)?.id ?? 'op-0000000000000000' })
    if (kind === 'exit') host.machine.kill(host.machine.guests.ids()[0] ?? '')
    return undefined
  }
  const newest = () => client.operations.wait({ id: accepted.at(-1)?.id ?? 'op-0000000000000000', timeoutMs: 5_000 })
  /** Whoever else is asked for at this moment meets what is under way now. */
  const crowded = async (): Promise<Operation[]> => {
    const running = await client.operations.list({ isRunning: true })
    return running.filter((one) => running.some((other) => other !== one && other.environmentId === one.environmentId))
  }
  try {
    await Promise.all(NAMES.map(async (name) => keep(await client.environments.spawn(spawnInput(name)))))
    const asked: Promise<unknown>[] = []
    for (const each of deeds) {
      // Not awaited one by one: they are meant to meet each other. Only a pause lets the newest one end.
      if (each.kind === 'pause') await Promise.all(asked).then(newest)
      asked.push(perform(each).catch(() => undefined))
      expect(await crowded()).toEqual([])
    }
    await Promise.all(asked)
    expect(await crowded()).toEqual([])
    const operations = await Promise.all(accepted.map(({ id }) => client.operations.wait({ id, timeoutMs: 10_000 })))
    expect(operations.filter(({ status }) => status.kind === 'running')).toEqual([])
    expect(overlapping(operations)).toEqual([])
    expect(host.machine.mostGuestsPerHome).toBeLessThanOrEqual(1)
    const { environments } = await client.environments.list()
    expect(environments.filter(({ operationId }) => operationId !== null)).toEqual([])
    // Whatever was reset, restarted or given up: each home that is left is the one that its environment points at.
    const pointedAt = environments.map(({ home }): string => home.id)
    expect(host.machine.homes.ids().filter((id) => !pointedAt.includes(id))).toEqual([])
    const made = environments.filter(({ home }) => home.madeAt !== null).map(({ home }) => home.id)
    expect(made.filter((id) => host.machine.homes.get(id) === undefined)).toEqual([])
    expect(host.logger.errors()).toEqual([])
  } finally {
    await host.remove()
  }
}

/** Pairs of operations on one environment that were both under way at some time. */
function overlapping(operations: readonly Operation[]): [Operation, Operation][] {
  const endOf = ({ status, requestedAt }: Operation) =>
    status.kind === 'running' ? Infinity : Math.max(status.endedAt, requestedAt)
  return operations.flatMap((one, index) =>
    operations.slice(index + 1).flatMap((other): [Operation, Operation][] => {
      const isSame = one.id !== other.id && one.environmentId === other.environmentId
      const isMeeting = one.requestedAt < endOf(other) && other.requestedAt < endOf(one)
      return isSame && isMeeting ? [[one, other]] : []
    }),
  )
}
