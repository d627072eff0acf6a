import { PilothouseError } from '../../src-shared/error.ts'
import type { CommandId } from '../../src-shared/model/ids.ts'
import type { DriftResult } from '../../src-shared/model/drift.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { Requester } from '../operations/requester.ts'

interface Run {
  readonly user: string
  readonly uid: number
  readonly inputHash: string
  readonly result: Promise<DriftResult>
}

/** Results are small; whoever lost an answer asks again soon, or is told by what is left. */
const MOST_KEPT = 200

/**
 * The clean-ups of this daemon's life by their command: whoever asks again is answered with what the first one comes to.
 * One that was refused is nothing, and may be asked for anew.
 */
export class CleanUpRuns {
  private readonly runs = new Map<CommandId, Run>()

  /** Rejects with `command_id_reused` where the id stands for another clean-up, or another user's. */
  async once(
    { actor }: Requester,
    input: { readonly commandId: CommandId },
    work: () => Promise<DriftResult>,
  ): Promise<DriftResult> {
    const { user, uid } = actor
    const inputHash = hashOf(input)
    const known = this.runs.get(input.commandId)
    if (known === undefined) return await this.begin(input.commandId, { user, uid, inputHash, result: work() })
    if (known.user === user && known.uid === uid && known.inputHash === inputHash) return await known.result
    throw reusedCommand(input.commandId)
  }

  private async begin(id: CommandId, run: Run): Promise<DriftResult> {
    this.runs.set(id, run)
    for (const oldest of this.runs.keys()) if (this.runs.size > MOST_KEPT) this.runs.delete(oldest)
    try {
      return await run.result
    } catch (error) {
      this.runs.delete(id)
      throw error
    }
  }
}

export function reusedCommand(id: CommandId): PilothouseError {
  return new PilothouseError('command_id_reused', `${id} stands for another command.`)
}
