import { PilothouseError } from '../../../src-shared/error.ts'

/** The command line itself is wrong: nothing was sent, exit status 2. */
export function usageError(message: string, hint = 'See `pilothouse --help`.'): PilothouseError {
  return new PilothouseError('invalid_request', message, { hint })
}
