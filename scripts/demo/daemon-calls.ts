import { performance } from 'node:perf_hooks'
import { localClaimedActor } from '../../src-main/lib/claimed-actor.ts'
import { systemRandom } from '../../src-main/lib/clock.ts'
import type { DaemonSession } from '../../src-main/shell/cli/ports.ts'
import { mintCommandId } from '../../src-main/shell/cli/ids.ts'
import { newRequestId } from '../../src-main/fleet/daemon-link.ts'
import type { CallContext } from '../../src-shared/contract/client.ts'
import type { Environment } from '../../src-shared/model/environment.ts'
import { commandIdSchema, type BootId, type CommandId, type EnvironmentId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Plan, Ticket } from '../../src-shared/model/plan.ts'
import { until } from '../lib/until.ts'

const WAIT_STEP_MS = 10_000
/** For one operation; a host that is busy with others starts it in its turn. */
const OPERATION_DEADLINE_MS = 600_000
const ENDED_DEADLINE_MS = 120_000

/** What is positively no guest any more. */
const ENDED: ReadonlySet<Environment['observed']['kind']> = new Set(['lost', 'failed', 'stopped'])

/** A guest that runs, and the boot it runs in. */
export interface RunningGuest {
  readonly environment: EnvironmentId
  readonly bootId: BootId
}

type Options = { readonly context: CallContext }

/** Plans, and runs exactly that plan. */
interface TwoCalls {
  plan(input: { environment: EnvironmentId }, options: Options): Promise<{ plan: Plan; ticket: Ticket }>
  run(
    input: { commandId: CommandId; environment: EnvironmentId; ticket: Ticket['id']; confirmName: string },
    options: Options,
  ): Promise<Operation>
}

/** The calls of one host's daemon, each with a request id of its own, and the waiting for what they start. */
export class DaemonCalls {
  readonly client: DaemonSession['client']

  constructor({ client }: DaemonSession) {
    this.client = client
  }

  get options(): Options {
    return { context: { requestId: newRequestId(systemRandom), claimedActor: localClaimedActor() } }
  }

  commandId(): CommandId {
    return commandIdSchema.parse(mintCommandId(systemRandom))
  }

  /** Waits until the operation has ended. Throws with its failure unless it succeeded. */
  async ended(accepted: Operation): Promise<Operation> {
    let operation = accepted
    const end = performance.now() + OPERATION_DEADLINE_MS
    while (operation.status.kind === 'running' && performance.now() < end) {
      const { id } = operation
      operation = await this.client.operations.wait({ id, timeoutMs: WAIT_STEP_MS }, this.options)
    }
    const { kind, step, status, requestId } = operation
    if (status.kind === 'succeeded') return operation
    if (status.kind === 'running') throw new Error(`the ${kind} still runs, in its step ${step}; request ${requestId}`)
    const why =
      status.kind === 'failed' ? `failed: ${status.failure.message} (${status.failure.code})` : 'was cancelled'
    throw new Error(`the ${kind} ${why}, in its step ${step}; request ${requestId}`)
  }

  /** A dangerous operation, its name confirmed as its plan says, to its end. */
  async confirmed(calls: TwoCalls, environment: EnvironmentId): Promise<Operation> {
    const { plan, ticket } = await calls.plan({ environment }, this.options)
    const confirmName = plan.environmentName
    const input = { commandId: this.commandId(), environment, ticket: ticket.id, confirmName }
    return this.ended(await calls.run(input, this.options))
  }

  /** The environment's guest, which has to run. */
  async running(environment: EnvironmentId): Promise<RunningGuest> {
    const { observed } = await this.client.environments.get({ environment }, this.options)
    if (observed.kind !== 'running') throw new Error(`its guest is ${observed.kind} where it should run`)
    return { environment, bootId: observed.bootId }
  }

  /** Resolves when the daemon has seen that the guest is not running any more. */
  async sawItEnd({ environment, bootId }: RunningGuest): Promise<Environment> {
    const hasEnded = async (): Promise<Environment | undefined> => {
      const seen = await this.client.environments.get({ environment }, this.options)
      const { observed } = seen
      const isAnother = observed.kind === 'running' && observed.bootId !== bootId
      return isAnother || ENDED.has(observed.kind) ? seen : undefined
    }
    const options = { deadlineMs: ENDED_DEADLINE_MS, what: 'the daemon to see that the guest is gone', intervalMs: 100 }
    return until(hasEnded, options)
  }
}
