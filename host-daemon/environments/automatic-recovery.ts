import { PilothouseError, type ErrorCode } from '../../src-shared/error.ts'
import type { CommandId, EnvironmentId, RequestId } from '../../src-shared/model/ids.ts'
import type { Actor } from '../../src-shared/model/operation.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { RecoverInput } from './recover-command.ts'
import type { Toolkit } from './toolkit.ts'

/** Accepts a recover; `onAccepted` runs inside the transaction that does, and refuses it by throwing. */
type AcceptRecover = (caller: Requester, input: RecoverInput, onAccepted: () => void) => Promise<unknown>

interface AutomaticRecoveryDeps {
  readonly toolkit: Toolkit
  readonly isEnabled: boolean
  /** The daemon's own. */
  readonly uid: number
  readonly accept: AcceptRecover
}

const REASON = 'The daemon recovers failed and lost environments by itself, once per failure.'

/** Someone or something else came first, or nothing could be written: the one attempt has not been made. */
const NOT_TRIED: readonly ErrorCode[] = ['operation_in_flight', 'generation_mismatch', 'not_found', 'storage_failed']

/**
 * Recovers environments that are meant to run and have failed or are lost, once per failure: the guard is part of the
 * environment, set in the transaction that accepts the attempt and cleared only when its agent answers again.
 */
export class AutomaticRecovery {
  private readonly deps: AutomaticRecoveryDeps
  private readonly asking = new Map<EnvironmentId, Promise<void>>()
  private isActive = false

  constructor(deps: AutomaticRecoveryDeps) {
    this.deps = deps
  }

  /** Only once interrupted operations have been taken up. */
  start(): void {
    this.isActive = this.deps.isEnabled
  }

  /** After every look at all environments. Never throws. */
  look(): void {
    if (!this.isActive) return
    for (const environment of this.deps.toolkit.store.environments.list()) {
      const { id } = environment
      if (!isDue(environment) || this.asking.has(id)) continue
      const attempt = this.attempt(environment).finally(() => this.asking.delete(id))
      this.asking.set(id, attempt)
    }
  }

  /** Resolves when no attempt is being asked for any more; accepted ones go on by themselves. */
  async stop(): Promise<void> {
    this.isActive = false
    await Promise.all(this.asking.values())
  }

  private async attempt({ id: environment, name, generation }: StoredEnvironment): Promise<void> {
    const { random, logger } = this.deps.toolkit
    const caller = { actor: this.actor(), requestId: `req-${random.hex(8)}` as RequestId }
    const commandId = `cmd-${random.hex(16)}` as CommandId
    try {
      const input = { commandId, environment, generation, reason: REASON }
      await this.deps.accept(caller, input, () => this.guard(environment))
      logger.info(
        { environmentId: environment, name, requestId: caller.requestId },
        'An environment is being recovered',
      )
    } catch (error) {
      this.refused(environment, caller, error)
    }
  }

  /** Of any number of attempts for one failure, the first. */
  private guard(id: EnvironmentId): void {
    const { store, clock } = this.deps.toolkit
    const environment = store.environments.find(id)
    if (environment?.autoRecoveredAt !== null) throw new PilothouseError('operation_in_flight', 'It was tried before.')
    store.environments.setAutoRecovered(id, clock.now())
  }

  /** A refusal of the attempt itself is the attempt: it is recorded, and not made again for the same failure. */
  private refused(environmentId: EnvironmentId, caller: Requester, error: unknown): void {
    const { store, clock, logger } = this.deps.toolkit
    const isKnown = error instanceof PilothouseError
    logger.warn({ err: error, environmentId, requestId: caller.requestId }, 'An environment could not be recovered')
    if (!this.isActive || !isKnown || NOT_TRIED.includes(error.code)) return
    const about = { action: 'recover', outcome: 'refused', detail: { code: error.code, message: error.message } }
    const entry = { ...about, ...caller, at: clock.now(), operationId: null, environmentId }
    try {
      store.db.transaction(() => {
        store.environments.setAutoRecovered(environmentId, clock.now())
        store.activity.append(entry)
      })
    } catch (failure) {
      logger.error({ err: failure, environmentId }, 'A refused recovery could not be recorded')
    }
  }

  private actor(): Actor {
    return { user: 'pilothoused', uid: this.deps.uid, role: 'admin', claimedActor: null }
  }
}

function isDue({ desired, observed, operationId, quarantine, autoRecoveredAt }: StoredEnvironment): boolean {
  const isDown = observed.kind === 'failed' || observed.kind === 'lost'
  const isFree = operationId === null && quarantine === null
  return isDown && isFree && desired === 'running' && autoRecoveredAt === null
}
