import { PilothouseError } from '../../src-shared/error.ts'

const SENTENCES: readonly (readonly [RegExp, string])[] = [
  [/^(SQLITE_FULL|ENOSPC|EDQUOT)/, 'There is no space left where the daemon keeps its state.'],
  [/^(SQLITE_READONLY|SQLITE_CANTOPEN|EROFS)/, "The daemon's state cannot be written to."],
  [/^(SQLITE_IOERR|EIO)/, "The daemon's state could not be read or written: the disk failed."],
]

const STEP_HINT = "Free space on the host, or make the daemon's state folder writable; then do it again."

/** What went wrong, where it is the storage of the daemon's own state that failed; undefined for everything else. */
export function storageFailure(thrown: unknown, during: 'call' | 'step' = 'call'): PilothouseError | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return undefined
  const { code } = thrown
  const found = SENTENCES.find(([codes]) => codes.test(code))
  if (found === undefined) return undefined
  const facts = { details: { code }, cause: thrown }
  if (during === 'call') return new PilothouseError('storage_failed', `${found[1]} Nothing was changed.`, facts)
  return new PilothouseError('storage_failed', `${found[1]} The step could not be done.`, { ...facts, hint: STEP_HINT })
}
