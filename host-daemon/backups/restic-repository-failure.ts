import { PilothouseError } from '../../src-shared/error.ts'

const NO_SPACE = ['ENOSPC', 'EDQUOT', 'EROFS', 'EIO']

/**
 * Runs the work of one call. What the system refused beside restic, such as a folder that could not be read, becomes a
 * `PilothouseError` too; an abort's reason and a caller's own error stay what they are.
 */
export async function inOurWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof PilothouseError || !(error instanceof Error)) throw error
    const isSystems = 'errno' in error && 'code' in error
    if (!isSystems && !(error instanceof RangeError)) throw error
    const isStorage = isSystems && NO_SPACE.includes(String(error.code))
    const code = isStorage ? 'storage_failed' : 'engine_failed'
    throw new PilothouseError(code, `The repository could not be used: ${error.message}.`, { cause: error })
  }
}
