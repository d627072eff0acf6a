import type { LocationQuery } from 'vue-router'
import {
  environmentIdSchema,
  environmentRefSchema,
  operationIdSchema,
  requestIdSchema,
  type HostId,
} from '../../../src-shared/model/ids.ts'
import { wordsOf } from '../../lib/words.ts'
import type { ActivityFilter } from '../../ui/activity/read-activity.ts'

/** What the person asks of the record, as it stands in the address; empty strings ask for everything. */
export interface ActivityQuery {
  readonly host: string
  readonly text: string
  readonly environment: string
  readonly user: string
  readonly action: string
  readonly outcome: string
}

const KEYS = ['host', 'text', 'environment', 'user', 'action', 'outcome'] as const

export function queryFrom(query: LocationQuery): ActivityQuery {
  const read = (key: string): string => (typeof query[key] === 'string' ? query[key] : '')
  const [host, text, environment, user, action, outcome] = KEYS.map(read) as [
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  return { host, text, environment, user, action, outcome }
}

/** For the address: what is empty is left out. */
export function toAddress(query: ActivityQuery): Record<string, string> {
  return Object.fromEntries(KEYS.filter((key) => query[key] !== '').map((key) => [key, query[key]]))
}

export interface AskedActivity {
  readonly hostId: HostId | null
  /** What the hosts are asked. */
  readonly filter: ActivityFilter
  /** What is looked for in the answers. */
  readonly words: readonly string[]
  /** Why the environment cannot be asked for; null when it can. */
  readonly environmentProblem: string | null
}

/** A whole id among the words is asked of the hosts, who look at all of their record; other words are looked for here. */
export function askedOf({ host, text, environment, user, action, outcome }: ActivityQuery): AskedActivity {
  const words = wordsOf(text)
  const request = words.map((word) => requestIdSchema.safeParse(word).data).find((id) => id !== undefined)
  const operation = words.map((word) => operationIdSchema.safeParse(word).data).find((id) => id !== undefined)
  const typedId = words.map((word) => environmentIdSchema.safeParse(word).data).find((id) => id !== undefined)
  const typed = environment.trim()
  const parsed = environmentRefSchema.safeParse(typed)
  const ref = typed === '' ? typedId : parsed.data
  return {
    hostId: host === '' ? null : (host as HostId),
    filter: {
      ...(request === undefined ? {} : { request }),
      ...(operation === undefined ? {} : { operation }),
      ...(ref === undefined ? {} : { environment: ref }),
      ...(user.trim() === '' ? {} : { user: user.trim() }),
      ...(action === '' ? {} : { action }),
      ...(outcome === '' ? {} : { outcome }),
    },
    words: words.filter((word) => word !== request && word !== operation && (ref !== typedId || word !== typedId)),
    environmentProblem: typed === '' || parsed.success ? null : 'An environment’s name or id.',
  }
}
