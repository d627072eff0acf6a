import { PilothouseError } from '../../src-shared/error.ts'
import type { CommandId } from '../../src-shared/model/ids.ts'
import type { DriftResult } from '../../src-shared/model/drift.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { Requester } from '../operations/requester.ts'

interface Run {
  readonly user: string
  readonly uid: number
  readonly inputHash: string
  /** Of whoever was first. */
  readonly signal: AbortSignal
  readonly result: Promise<DriftResult>
}

/** Results are small; whoever lost an answer asks again soon, or is told by what is left. */
const MOST_KEPT = 200

export interface CleanUpCall {
  readonly caller: Requester
  readonly input: { readonly commandId: CommandId }
  /** Of this call alone: whoever asks for the same beside it waits on. */
  readonly signal: AbortSignal
}

/**
 * The clean-ups of this daemon's life by their command: whoever asks again is answered with what the first one comes to.
 * One that was refused is nothing, and may be asked for anew; one that was cut off before it began is begun anew for
 * whoever waits still.
 */
export class CleanUpRuns {
  private readonly runs = new Map<CommandId, Run>()

  /** Rejects with `command_id_reused` where the id stands for another clean-up, or another user's. */
  async once(call: CleanUpCall, work: () => Promise<DriftResult>): Promise<DriftResult> {
    const { caller, input, signal } = call
    const { user, uid } = caller.actor
    const inputHash = hashOf(input)
    const known = this.runs.get(input.commandId)
    if (known === undefined) return await this.begin(input.commandId, { user, uid, inputHash, signal, result: work() })
    if (known.user !== user || known.uid !== uid || known.inputHash !== inputHash) throw reusedCommand(input.commandId)
    try {
      return await known.result
    } catch (error) {
      if (!known.signal.aborted || signal.aborted) throw error
    }
    this.drop(input.commandId, known)
    return await this.once(call, work)
  }

  private async begin(id: CommandId, run: Run): Promise<DriftResult> {
    this.runs.set(id, run)
    for (const oldest of this.runs.keys()) if (this.runs.size > MOST_KEPT) this.runs.delete(oldest)
    try {
      return await run.result
    } catch (error) {
      this.drop(id, run)
      throw error
    }
  }

  /** Whoever was first of those that waited may have begun another meanwhile. */
  private drop(id: CommandId, run: Run): void {
    if (this.runs.get(id) === run) this.runs.delete(id)
  }
}

export function reusedCommand(id: CommandId): PilothouseError {
  return new PilothouseError('command_id_reused', `${id} stands for another command.`)
}
