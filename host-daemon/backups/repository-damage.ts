import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentId } from '../../src-shared/model/ids.ts'
import type { Store } from '../store/store.ts'

interface Contact {
  readonly id: EnvironmentId
  /** What a use of the repository threw; anything else than damage changes nothing. */
  readonly error: unknown
  readonly at: number
}

/**
 * Damage that any use of the repository came upon counts as found by a check: uses that did not look there go well all
 * the same, and only a check that reads everything says that it is gone. Inside a transaction.
 */
export function noteDamage({ backupStates }: Store, { id, error, at }: Contact): void {
  if (!(error instanceof PilothouseError) || error.code !== 'repository_damaged') return
  if (backupStates.of(id).check?.isSound === false) return
  backupStates.setCheck(id, { at, isSound: false, detail: `It was found in use: ${error.message}` })
}
