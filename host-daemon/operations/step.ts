import type { z } from 'zod'
import type { Failure, PilothouseError } from '../../src-shared/error.ts'
import type { DisposableStore } from '../../src-shared/lib/disposable.ts'
import type { Phase } from '../../src-shared/model/environment.ts'
import type { OperationKind, OperationProgress } from '../../src-shared/model/operation.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { ProcessIdentity } from '../system/processes.ts'

export interface StepContext {
  /** As of the step's beginning. */
  readonly operation: StoredOperation
  /** Aborted by cancel, by the step's deadline and by the daemon's end. */
  readonly signal: AbortSignal
  /** Counted from 1. */
  readonly attempt: number
  /** Disposed when the operation ends, however it ends. */
  readonly scope: DisposableStore
  /** Tells how far it is; kept in memory, published a few times a second at most, gone with the step. */
  readonly report: (progress: StepProgress) => void
  /**
   * Durable before it returns: an engine's child that works on something of this operation's. After a crash no step of
   * the operation runs before every child that was told of is positively gone.
   */
  readonly childStarted: (process: ProcessIdentity) => void
}

/** How far a step is; the rate is the engine's to find out. */
export type StepProgress = Partial<Omit<OperationProgress, 'bytesPerSecond'>> & { readonly doneBytes: number }

export interface UndoContext {
  readonly operation: StoredOperation
  readonly cause: Failure
  readonly signal: AbortSignal
  /** Disposed when the operation ends, however it ends. */
  readonly scope: DisposableStore
}

/**
 * One named step. `run` may be called again after a crash in the middle of it, and `undo` after any part of `run`:
 * both look at what is there and end in the same place however often they are called.
 */
export interface Step {
  readonly name: string
  /** The startup phase shown while it runs; null leaves the phase as it is. */
  readonly phase: Phase | null
  /** Null where waiting is nobody's failure; the operation's own bounds hold then. */
  readonly deadlineMs: number | null
  readonly isCancellable: boolean
  /**
   * What it does cannot be taken back. Once it has begun, nothing of the operation is undone or tried again any more,
   * whatever fails: everything stays as it is then, and the outcome says so.
   */
  readonly isForwardOnly?: boolean
  /** Runs inside the transaction that journals the beginning of `run`: what is seen of the step changes with it. */
  enter?(operation: StoredOperation): void
  run(context: StepContext): Promise<void>
  undo?(context: UndoContext): Promise<void>
  /** Bounds its undo, in milliseconds, where that takes longer than undoing usually may. */
  readonly undoDeadlineMs?: number
}

export type Outcome =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'cancelled' }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly isRolledBack: boolean }

/**
 * What an operation holds while it runs. Of exclusive claims there is one per environment, of any resource. Shared ones
 * run beside each other, are refused while an exclusive one is in flight, and give way: an exclusive one that displaces
 * cancels them and begins once they have ended; one that does not runs beside them.
 */
export type ClaimSpec =
  | { readonly mode: 'exclusive'; readonly resource: 'guest' | 'home'; readonly isDisplacing: boolean }
  | { readonly mode: 'shared'; readonly resource: 'home' | 'repository' }

/** What a command does: a list of steps, and what its end means for the environment. */
export interface OperationDefinition {
  readonly kind: OperationKind
  readonly claim: ClaimSpec
  readonly steps: readonly Step[]
  /** What its steps need of `OperationParams`; absent where they need nothing. */
  readonly params?: z.ZodType
  /** After a failure at or behind step `from`, undo back to it and try again. Null: one attempt. */
  readonly retry: { readonly from: string; readonly maxAttempts: number } | null
  /** Puts whatever a step threw into the closed set, with the facts that `settle` needs in `details`. */
  describeFailure(error: unknown, operation: StoredOperation): PilothouseError
  /** Runs inside the transaction that writes the outcome. */
  settle(operation: StoredOperation, outcome: Outcome): void
  /** What the activity record calls this outcome where the general word says too little; null: the general word. */
  recordAs?(outcome: Outcome): string | null
}
