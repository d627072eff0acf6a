import { PilothouseError } from '../../src-shared/error.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import { withDeadline } from '../system/deadline.ts'
import type { Toolkit } from './toolkit.ts'

/** A look that a caller waits for takes no longer, in milliseconds; a disk that hangs must not hang the call. */
const LOOK_MS = 5_000

type HomeSeen = { readonly kind: 'present'; readonly bytes: number } | { readonly kind: 'absent' }

/** Looks at the home now. `absent` is positive evidence; throws when it cannot tell, also for want of time. */
export function lookAtHome({ drivers, clock }: Toolkit, environment: StoredEnvironment): Promise<HomeSeen> {
  const look = async () => drivers.of(environment).inspectHome(environment.home.id)
  const onDeadline = () => new Error(`The home did not answer within ${LOOK_MS / 1000} s.`)
  return withDeadline<HomeSeen>(look, { clock, deadlineMs: LOOK_MS, onDeadline })
}

/** Keeps what a look found, where it is news, and throws `home_gone` for a home that is positively gone. */
export function insistOnHome(toolkit: Toolkit, looked: StoredEnvironment, seen: HomeSeen): void {
  const home = toolkit.store.environments.find(looked.id)?.home
  const isNews = home?.id === looked.home.id && (home.goneAt === null) !== (seen.kind === 'present')
  if (isNews) tellHome(toolkit, looked, seen)
  if (seen.kind === 'present') return
  throw new PilothouseError('home_gone', `The home of ${looked.name} is gone; nothing was started without it.`)
}

/** In the turn in which the row was looked at. */
function tellHome({ store, clock }: Toolkit, { id: environmentId, home }: StoredEnvironment, { kind }: HomeSeen): void {
  const [at, isThere] = [clock.now(), kind === 'present']
  const about = { action: isThere ? 'home.found' : 'home.gone', outcome: 'noticed', detail: { homeId: home.id } }
  store.db.transaction(() => {
    store.environments.setHomeGone(environmentId, isThere ? null : at)
    store.activity.append({ ...about, at, actor: null, requestId: null, operationId: null, environmentId })
  })
}
