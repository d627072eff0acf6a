import { homeIdSchema, operationIdSchema, type HomeId, type OperationId } from '../../src-shared/model/ids.ts'
import { consistencySchema, type Consistency } from '../../src-shared/model/operation-result.ts'
import type { HomeView } from '../drivers/vm-driver.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'

export interface TaggedFacts {
  readonly hostName: string
  readonly environment: Pick<StoredEnvironment, 'image' | 'home'>
  readonly view: Pick<HomeView, 'consistency' | 'isQuiesced' | 'frozenMs'>
  readonly operationId: OperationId
}

/** What a point says of itself, whoever finds it. */
export function tagsOf({ hostName, environment, view, operationId }: TaggedFacts): string[] {
  return [
    `machine=${worded(hostName)}`,
    `image=${worded(environment.image)}`,
    `home=${environment.home.id}`,
    `consistency=${view.consistency}`,
    `quiesced=${view.isQuiesced ? 'yes' : 'no'}`,
    ...(view.frozenMs === null ? [] : [`frozen-ms=${Math.round(view.frozenMs)}`]),
    operationTag(operationId),
  ]
}

const OPERATION = 'operation='

/** By it a point that a dead daemon made is found again. */
export function operationTag(operationId: OperationId): string {
  return `${OPERATION}${operationId}`
}

/** Which operation the point says that it is of; undefined where it does not say. */
export function operationOf(tags: readonly string[]): OperationId | undefined {
  const tag = tags.find((candidate) => candidate.startsWith(OPERATION))
  return operationIdSchema.safeParse(tag?.slice(OPERATION.length)).data
}

/** What a point of ours says of the view that it was made of; what it does not say is not made up. */
export function readTags(tags: readonly string[]): {
  readonly homeId: HomeId | undefined
  readonly consistency: Consistency
  readonly frozenMs: number | null
} {
  const values = new Map(tags.map((tag) => [tag.split('=', 1)[0], tag.slice(tag.indexOf('=') + 1)]))
  const frozen = values.get('frozen-ms')
  return {
    homeId: homeIdSchema.safeParse(values.get('home')).data,
    consistency: consistencySchema.catch('neither').parse(values.get('consistency')),
    frozenMs: frozen !== undefined && /^\d{1,9}$/.test(frozen) ? Number(frozen) : null,
  }
}

const LONGEST_VALUE = 128

/** As a tag may have it: any other character becomes a dash. */
function worded(text: string): string {
  const word = text.replaceAll(/[^A-Za-z0-9@._:+-]/g, '-').slice(0, LONGEST_VALUE)
  return /^[A-Za-z0-9]/.test(word) ? word : `x${word}`.slice(0, LONGEST_VALUE)
}
