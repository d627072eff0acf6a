import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentSize } from '../../src-shared/model/environment.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Requester } from '../operations/requester.ts'
import type { PowerDeps, PowerInput } from './power-commands.ts'
import type { SpawnLimits } from './spawn-command.ts'

export interface ResizeInput extends PowerInput {
  readonly size: { readonly [K in keyof EnvironmentSize]?: number | undefined }
}

export interface ResizeDeps extends PowerDeps {
  readonly limits: SpawnLimits
}

/** Accepts another size for a stopped environment. */
export function resize(_deps: ResizeDeps, _caller: Requester, _input: ResizeInput): Promise<Operation> {
  return Promise.reject(new PilothouseError('internal', 'Not built yet.'))
}
