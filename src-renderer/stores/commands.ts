import { defineStore } from 'pinia'
import type { CommandId, HostId, OperationId, RequestId, TicketId } from '../../src-shared/model/ids.ts'
import type { EnvironmentSize } from '../../src-shared/model/environment.ts'
import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import { useApi, type Api } from '../api.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { newCommandId } from '../lib/ids.ts'
import type { AppClient } from '../transport.ts'
import type { DangerKind } from './dialogs.ts'
import { useFleetStore } from './fleet.ts'
import { useSubmitted, type SpawnRequest, type Submitted } from './submitted.ts'

/** Asked for by one press, with nothing more to say. */
export type PowerKind = 'start' | 'stop' | 'reboot' | 'recover'

/** A plan's ticket and what was typed. */
export interface TicketedRequest {
  /** Minted with what is asked, so that a second press is the same command. */
  readonly commandId: CommandId
  readonly ticket: TicketId
  readonly confirmName: string
  readonly reason: string
}

type Send = (client: AppClient, options: { context: { requestId: RequestId } }) => Promise<Operation>

interface Order {
  readonly commandId: CommandId
  readonly send: Send
}

type GiveOrder = (kind: OperationKind, row: EnvironmentRow, order: Order) => Promise<Submitted>

/** Gives a command for what is there; resolves once the host has answered or the call has failed. */
function orderBy(api: Api, give: ReturnType<typeof useSubmitted>['give']): GiveOrder {
  return (kind, { environment: { id, name }, hostId }, { commandId, send }) =>
    give({ commandId, kind, hostId, name, environmentId: id }, (requestId) => api.call(send, { hostId, requestId }))
      .answered
}

/** The commands that one press gives, with nothing to say. */
function usePresses(order: GiveOrder) {
  const pressed = new Map<string, Promise<Submitted>>()

  /** However often it is pressed before the host has answered, it is one command. */
  function change(kind: PowerKind, row: EnvironmentRow): Promise<Submitted> {
    const key = `${kind}/${row.key}`
    const already = pressed.get(key)
    if (already !== undefined) return already
    const commandId = newCommandId()
    const { id, generation } = row.environment
    const input = { commandId, environment: id, generation }
    const send: Send = (client, options) => client.host.environments[kind](input, options)
    const answered = order(kind, row, { commandId, send }).finally(() => pressed.delete(key))
    pressed.set(key, answered)
    return answered
  }

  return { change }
}

/** The commands that something is said with, on an environment that is there. */
function useOrders(order: GiveOrder) {
  function recover(row: EnvironmentRow, { commandId, reason }: { commandId: CommandId; reason: string }) {
    const { id, generation } = row.environment
    const input = { commandId, environment: id, generation, ...said('reason', reason) }
    return order('recover', row, {
      commandId,
      send: (client, options) => client.host.environments.recover(input, options),
    })
  }

  function resize(row: EnvironmentRow, { commandId, size }: { commandId: CommandId; size: Partial<EnvironmentSize> }) {
    const { id, generation } = row.environment
    const input = { commandId, environment: id, generation, size }
    return order('resize', row, {
      commandId,
      send: (client, options) => client.host.environments.resize(input, options),
    })
  }

  /** Runs a plan with its ticket. */
  function runPlan(kind: DangerKind, row: EnvironmentRow, request: TicketedRequest): Promise<Submitted> {
    const { commandId, ticket, confirmName, reason } = request
    const typed = { ...said('confirmName', confirmName), ...said('reason', reason) }
    const input = { commandId, environment: row.environment.id, ticket, ...typed }
    return order(kind, row, {
      commandId,
      send: (client, options) => client.host.environments[kind].run(input, options),
    })
  }

  return { recover, resize, runPlan }
}

/** The commands given in this window: one entry per commandId, submitted once, never repeated by itself. */
export const useCommandsStore = defineStore('commands', () => {
  const api = useApi()
  const fleet = useFleetStore()
  const { submitted, give, ...rest } = useSubmitted(fleet)

  function spawn(commandId: CommandId, request: SpawnRequest): Submitted {
    const { hostId, ...input } = request
    const command = { commandId, kind: 'spawn', hostId, name: request.name, spawn: request } as const
    return give(command, (requestId) =>
      api.call((client, options) => client.host.environments.spawn({ commandId, ...input }, options), {
        hostId,
        requestId,
      }),
    ).entry
  }

  /** Asks a running operation to stop. Rejects with a PilothouseError. */
  async function cancel(hostId: HostId, id: OperationId): Promise<void> {
    const operation = await api.call((client, options) => client.host.operations.cancel({ id }, options), { hostId })
    fleet.apply({ type: 'operation_changed', hostId, operation })
  }

  const order = orderBy(api, give)
  return { submitted, ...rest, order, ...usePresses(order), ...useOrders(order), spawn, cancel }
})

/** `{ key: text }`, or nothing where nothing was typed. */
function said<Key extends string>(key: Key, text: string): Partial<Record<Key, string>> {
  const trimmed = text.trim()
  return (trimmed === '' ? {} : { [key]: trimmed }) as Partial<Record<Key, string>>
}
