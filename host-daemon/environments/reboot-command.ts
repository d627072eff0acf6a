import { PilothouseError } from '../../src-shared/error.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Requester } from '../operations/requester.ts'
import type { PowerDeps, PowerInput } from './power-commands.ts'

/** Accepts a reboot of a guest that runs. */
export function reboot(_deps: PowerDeps, _caller: Requester, _input: PowerInput): Promise<Operation> {
  return Promise.reject(new PilothouseError('internal', 'Not built yet.'))
}
