import {
  homeIdSchema,
  imageRefSchema,
  operationIdSchema,
  type HomeId,
  type ImageRef,
  type OperationId,
} from '../../src-shared/model/ids.ts'
import { consistencySchema, type Consistency } from '../../src-shared/model/operation-result.ts'
import type { HomeView } from '../drivers/vm-driver.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'

export interface TaggedFacts {
  readonly hostName: string
  readonly environment: Pick<StoredEnvironment, 'image' | 'home' | 'size'>
  readonly view: Pick<HomeView, 'consistency' | 'isQuiesced' | 'frozenMs'>
  readonly operationId: OperationId
}

/** What a point says of itself, whoever finds it. */
export function tagsOf({ hostName, environment, view, operationId }: TaggedFacts): string[] {
  return [
    `machine=${worded(hostName)}`,
    `image=${worded(environment.image)}`,
    `home=${environment.home.id}`,
    `${HOME_SIZE}=${environment.size.homeMiB}`,
    `consistency=${view.consistency}`,
    `quiesced=${view.isQuiesced ? 'yes' : 'no'}`,
    ...(view.frozenMs === null ? [] : [`frozen-ms=${Math.round(view.frozenMs)}`]),
    operationTag(operationId),
  ]
}

const HOME_SIZE = 'home-mib'
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

/** What a point's own tags say of it. */
export interface SaidOfPoint {
  /** The machine that made it, as a tag may have it. */
  readonly hostName: string
  readonly image: ImageRef
  readonly homeId: HomeId
  /** Null for one that was made before points said it. */
  readonly homeMiB: number | null
  readonly consistency: Consistency
  readonly operationId: OperationId
}

const MACHINE = /^[A-Za-z0-9][A-Za-z0-9@._:+-]{0,127}$/
const MOST_MIB = 2 ** 30

/**
 * Reads what `tagsOf` wrote; undefined where any of it is missing, said twice or malformed, which no point is that was
 * made by it. Other tags do not matter: they are anybody's text.
 */
export function saidBy(tags: readonly string[]): SaidOfPoint | undefined {
  const hostName = valueOf(tags, 'machine')
  const image = imageRefSchema.safeParse(valueOf(tags, 'image')).data
  const homeId = homeIdSchema.safeParse(valueOf(tags, 'home')).data
  const consistency = consistencySchema.safeParse(valueOf(tags, 'consistency')).data
  const operationId = operationIdSchema.safeParse(valueOf(tags, 'operation')).data
  const homeMiB = sizeOf(valueOf(tags, HOME_SIZE))
  if (hostName === undefined || !MACHINE.test(hostName) || homeMiB === undefined) return undefined
  if (image === undefined || homeId === undefined || consistency === undefined || operationId === undefined)
    return undefined
  return { hostName, image, homeId, homeMiB, consistency, operationId }
}

/** Undefined where it is not said, and where it is said more than once. */
function valueOf(tags: readonly string[], key: string): string | undefined {
  const values = tags.filter((tag) => tag.startsWith(`${key}=`))
  return values.length === 1 ? values[0]?.slice(key.length + 1) : undefined
}

/** Null where none is said, undefined where it is no size. */
function sizeOf(word: string | undefined): number | null | undefined {
  if (word === undefined) return null
  const size = /^[1-9][0-9]{0,9}$/.test(word) ? Number(word) : MOST_MIB + 1
  return size > MOST_MIB ? undefined : size
}

const LONGEST_VALUE = 128

/** As a tag may have it: any other character becomes a dash. */
function worded(text: string): string {
  const word = text.replaceAll(/[^A-Za-z0-9@._:+-]/g, '-').slice(0, LONGEST_VALUE)
  return /^[A-Za-z0-9]/.test(word) ? word : `x${word}`.slice(0, LONGEST_VALUE)
}
