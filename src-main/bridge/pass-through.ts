import { isContractProcedure, type AnyContractRouter } from '@orpc/contract'
import { os, type AnyRouter, type Router } from '@orpc/server'
import { isAsyncIteratorObject } from '@orpc/shared'
import { metaAt, toPilothouseError, type CallContext } from '../../src-shared/contract/client.ts'
import { daemonContract, type DaemonContract } from '../../src-shared/contract/daemon.ts'
import { wireError } from '../../src-shared/contract/wire-error.ts'
import type { RequestId } from '../../src-shared/model/ids.ts'
import type { DaemonClient } from '../fleet/daemon-link.ts'
import type { ConsoleCore } from '../index.ts'
import { hostIdOf, type BridgeContext } from './context.ts'
import { failureOf } from './wire-error.ts'

interface PassedCall {
  readonly path: readonly string[]
  readonly input: unknown
  readonly context: BridgeContext
  readonly signal: AbortSignal | undefined
}

type RemoteCall = (input: unknown, options: { context: CallContext; signal?: AbortSignal }) => Promise<unknown>

function remoteCall(client: DaemonClient, path: readonly string[]): RemoteCall {
  const found = path.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], client)
  return found as RemoteCall
}

/** Events as they come; a stream that breaks says so in the closed set. */
async function* relay(
  events: AsyncIterable<unknown>,
  requestId: RequestId,
  signal: AbortSignal | undefined,
): AsyncGenerator {
  try {
    yield* events
  } catch (error) {
    throw wireError(failureOf(toPilothouseError(error, requestId, signal), requestId))
  }
}

async function pass(core: ConsoleCore, { path, input, context, signal }: PassedCall): Promise<unknown> {
  const { requestId } = context
  const client = core.fleet.session(hostIdOf(context)).client()
  const options = {
    context: { requestId, claimedActor: core.claimedActor },
    ...(signal === undefined ? {} : { signal }),
  }
  const answer = await remoteCall(client, path)(input, options)
  return isAsyncIteratorObject(answer) ? relay(answer as AsyncIterable<unknown>, requestId, signal) : answer
}

function commandIdOf(input: unknown): string | null {
  const id = typeof input === 'object' && input !== null && 'commandId' in input ? input.commandId : null
  return typeof id === 'string' ? id.slice(0, 128) : null
}

/** Calls that change something are written down before they are sent, and their outcome after. */
async function passLogged(core: ConsoleCore, call: PassedCall): Promise<unknown> {
  if (metaAt(daemonContract, call.path)?.effect === 'read') return pass(core, call)
  const { requestId } = call.context
  const command = {
    requestId,
    commandId: commandIdOf(call.input),
    hostId: hostIdOf(call.context),
    call: call.path.join('.'),
  }
  const end = core.store.commands.begin(command, core.clock.now())
  const record = (outcome: string): void => {
    try {
      end(outcome, core.clock.now())
    } catch {
      // The host has answered; that its answer could not be noted here changes nothing of it.
    }
  }
  try {
    const answer = await pass(core, call)
    record('accepted')
    return answer
  } catch (error) {
    record(failureOf(error, requestId).code)
    throw error
  }
}

function derive(core: ConsoleCore, contract: AnyContractRouter, path: readonly string[]): AnyRouter {
  if (isContractProcedure(contract)) {
    const call = os.$context<BridgeContext>()
    return call.handler(({ input, context, signal }) => passLogged(core, { path, input, context, signal }))
  }
  const entries = Object.entries(contract).map(([key, node]) => [key, derive(core, node, [...path, key])] as const)
  return Object.fromEntries(entries)
}

/**
 * The daemon's whole contract, each call repeated on the host that the caller names: same request id, same errors,
 * same abort, events as they come. Derived from the contract, so that a call added there is passed through at once.
 * Inputs are parsed by the daemon, which is their receiver.
 */
export function passThroughRouter(core: ConsoleCore): Router<DaemonContract, BridgeContext> {
  return derive(core, daemonContract, []) as Router<DaemonContract, BridgeContext>
}
