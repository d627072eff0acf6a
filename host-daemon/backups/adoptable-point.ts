import { isAbsolute } from 'node:path'
import type { EnvironmentId } from '../../src-shared/model/ids.ts'
import type { StoredPoint } from '../store/points-table.ts'
import type { Store } from '../store/store.ts'
import type { RepositoryPoint } from './point-repository.ts'
import { saidBy, type SaidOfPoint } from './point-tags.ts'

/** What is to become of a point that was found in an environment's repository. */
export type Judgement =
  /** This host has no record of it. */
  | { readonly kind: 'new'; readonly said: SaidOfPoint }
  /** It is on record as gone, or as being at another place. */
  | { readonly kind: 'found'; readonly recorded: StoredPoint }
  | { readonly kind: 'known' }
  | { readonly kind: 'passed_over'; readonly why: string }

export interface FoundPoint {
  readonly point: RepositoryPoint
  readonly environmentId: EnvironmentId
  /** The repository's location. */
  readonly repository: string
}

const MALFORMED = 'What this host has on record of it is malformed.'

/**
 * Whether a point is of this environment, made by Pilothouse, and may be taken on record. It must say so itself, by host,
 * path and tags: what is not certain is passed over.
 */
export function judge(store: Store, { point, environmentId, repository }: FoundPoint): Judgement {
  const isOfIt = point.environment === environmentId && isPathOf(point.path, environmentId)
  if (!isOfIt) return passedOver('Its host and path do not say that it is of this environment.')
  if (store.points.isOnRecord(point.id)) return judgeRecorded(store, { point, environmentId, repository })
  const said = saidBy(point.tags)
  if (said === undefined) return passedOver('Its tags do not say that Pilothouse made it.')
  const why = whyNotOf(store, point, said)
  return why === undefined ? { kind: 'new', said } : passedOver(why)
}

/** As much as a path of this system can be long. */
const LONGEST_PATH = 4096

/** The home was read at a mount point that is named after its environment, wherever the host keeps those. */
function isPathOf(path: string, environmentId: EnvironmentId): boolean {
  return path.length <= LONGEST_PATH && isAbsolute(path) && path.split('/').includes(environmentId)
}

function judgeRecorded(store: Store, { point, environmentId, repository }: FoundPoint): Judgement {
  const recorded = store.points.find(point.id)
  if (recorded === undefined) return passedOver(MALFORMED)
  if (recorded.environmentId !== environmentId)
    return passedOver(`It is on record as a point of ${recorded.environmentId}.`)
  const isHere = recorded.repository === repository && recorded.forgottenAt === null
  return isHere ? { kind: 'known' } : { kind: 'found', recorded }
}

/** This host may know of the backup that made it, and knows better then. */
function whyNotOf(store: Store, { id }: RepositoryPoint, { operationId }: SaidOfPoint): string | undefined {
  const operation = store.operations.find(operationId)
  if (operation === undefined) return undefined
  if (operation.status.kind === 'running') return 'Its backup has not ended yet.'
  const isRecorded = operation.result?.kind === 'backup' && operation.result.pointId === id
  return isRecorded ? undefined : 'By the record of this host, its backup came to nothing.'
}

function passedOver(why: string): Judgement {
  return { kind: 'passed_over', why }
}
