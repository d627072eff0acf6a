import { operationIdSchema, type OperationId } from '../../src-shared/model/ids.ts'
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

const LONGEST_VALUE = 128

/** As a tag may have it: any other character becomes a dash. */
function worded(text: string): string {
  const word = text.replaceAll(/[^A-Za-z0-9@._:+-]/g, '-').slice(0, LONGEST_VALUE)
  return /^[A-Za-z0-9]/.test(word) ? word : `x${word}`.slice(0, LONGEST_VALUE)
}
