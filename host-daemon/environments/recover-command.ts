import { PilothouseError } from '../../src-shared/error.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Requester } from '../operations/requester.ts'
import type { PowerDeps, PowerInput } from './power-commands.ts'

export interface RecoverInput extends PowerInput {
  readonly reason?: string | undefined
}

/** Accepts a recover. */
export function recover(_deps: PowerDeps, _caller: Requester, _input: RecoverInput): Promise<Operation> {
  return Promise.reject(new PilothouseError('internal', 'Not built yet.'))
}
