import { OpenAPIHandler } from '@orpc/openapi/fetch'
import type { Router } from '@orpc/server'
import type { StandardHandler } from '@orpc/server/standard'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { daemonContract } from '../../src-shared/contract/daemon.ts'
import { createCallGuard, guardArrival, type ServedCaller } from './call-guard.ts'
import type { Caller } from './caller.ts'
import { createRpcHandler } from './rpc-answers.ts'

export type DaemonRouter = Router<typeof daemonContract, Caller>

/** The same guarded calls, as messages of a connection and as plain HTTP. */
export interface CallHandlers {
  readonly rpc: StandardHandler<ServedCaller>
  readonly rest: OpenAPIHandler<ServedCaller>
}

export function createCallHandlers(router: DaemonRouter, clock: Clock): CallHandlers {
  const guard = createCallGuard(clock)
  const options = { interceptors: [guardArrival], clientInterceptors: [guard] }
  return {
    rpc: createRpcHandler(router, options),
    rest: new OpenAPIHandler<ServedCaller>(router, options),
  }
}
