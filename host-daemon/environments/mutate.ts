import { PilothouseError } from '../../src-shared/error.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { Store } from '../store/store.ts'

interface Mutation {
  /** What the caller saw; undefined where it did not say. */
  readonly generation?: number | undefined
  readonly desired: 'running' | 'stopped'
}

/** Every accepted mutation of guest or home passes here: checks the generation seen, raises it, sets what is wanted. */
export function mutate(store: Store, environment: StoredEnvironment, { generation: seen, desired }: Mutation): void {
  const { id, name, generation } = environment
  if (seen !== undefined && seen !== generation) {
    const message = `${name} is at generation ${generation}, not ${seen}: it has changed since you looked.`
    throw new PilothouseError('generation_mismatch', message, { details: { generation, seen } })
  }
  store.environments.raiseGeneration(id)
  store.environments.setDesired(id, desired)
}
