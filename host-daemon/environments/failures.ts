import { PilothouseError } from '../../src-shared/error.ts'
import {
  FAILURE_REASONS,
  failureReasonSchema,
  phaseSchema,
  type FailureReason,
  type ObservedState,
  type Phase,
} from '../../src-shared/model/environment.ts'
import { DriverFailure } from '../drivers/vm-driver.ts'
import type { Outcome } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { storageFailure } from '../store/storage-failure.ts'
import type { Logger } from '../system/logger.ts'

/** Where nothing better is known, the phase says what failed. */
const REASON_OF_PHASE: Record<Phase, FailureReason> = {
  requested: 'interrupted',
  provisioning_vm: 'disk_failed',
  booting_guest: 'hypervisor_failed',
  waiting_for_service_ready: 'agent_timeout',
  ready: 'guest_exited',
}

/** What a step is about says more than the phase it falls into. */
const REASON_OF_STEP: Readonly<Record<string, FailureReason>> = {
  check_home: 'disk_failed',
  make_home: 'disk_failed',
  stop_guest: 'cleanup_failed',
  end_guest: 'cleanup_failed',
  remove_old_home: 'cleanup_failed',
  commit: 'cleanup_failed',
}

/** Puts what a step threw into the closed set; `details` carry reason and phase for the environment's state. */
export function describeFailure(logger: Logger) {
  return (error: unknown, operation: StoredOperation): PilothouseError => {
    const facts = factsOf(error, operation)
    if (error instanceof PilothouseError) return withDetails(error, facts)
    if (error instanceof DriverFailure) return engineFailed(error, facts)
    const storage = storageFailure(error, 'step')
    if (storage !== undefined) return withDetails(storage, facts)
    logger.error(
      { err: error, requestId: operation.requestId, operationId: operation.id },
      'A step failed unexpectedly',
    )
    const message = 'The daemon failed while it was working on this.'
    return new PilothouseError('internal', message, { details: facts, cause: error })
  }
}

/** Reason and phase belong to a start alone: a stop that failed has neither. */
function factsOf(error: unknown, { phase, step }: StoredOperation): Record<string, unknown> {
  if (error instanceof DriverFailure) return { reason: error.reason, phase: phase ?? 'requested' }
  return phase === null ? {} : { reason: REASON_OF_STEP[step] ?? REASON_OF_PHASE[phase], phase }
}

function engineFailed(error: DriverFailure, details: Record<string, unknown>): PilothouseError {
  return new PilothouseError('engine_failed', sentence(error.reason, error.message), { details, cause: error })
}

function withDetails(error: PilothouseError, facts: Record<string, unknown>): PilothouseError {
  return PilothouseError.fromFailure({ ...error.toFailure(), details: { ...facts, ...error.details } }, error.cause)
}

function sentence(reason: FailureReason, detail: string): string {
  const general = FAILURE_REASONS[reason]
  return detail === '' || detail === general ? general : `${general} ${detail}`
}

/** The state of an environment whose start ended in `outcome`. */
export function failedState(outcome: Outcome & { kind: 'failed' }, since: number): ObservedState {
  const { details, message } = outcome.failure
  const reason = failureReasonSchema.catch('interrupted').parse(details?.reason)
  const phase = phaseSchema.catch('requested').parse(details?.phase)
  return { kind: 'failed', since, phase, reason: outcome.isRolledBack ? reason : 'cleanup_failed', detail: message }
}
