import type { Clock, RandomSource } from '../src-shared/lib/clock.ts'
import { DisposableStore, type Disposable } from '../src-shared/lib/disposable.ts'
import type { ClaimedActor, HostId } from '../src-shared/model/ids.ts'
import { ActivityAudit } from './activity/activity-audit.ts'
import { HeadRecorder } from './activity/head-recorder.ts'
import { connectDaemon } from './fleet/daemon-link.ts'
import { Fleet } from './fleet/fleet.ts'
import { networkFingerprint, watchForWake } from './fleet/wake-watch.ts'
import { localClaimedActor } from './lib/claimed-actor.ts'
import { systemClock, systemRandom } from './lib/clock.ts'
import { systemSshEnvironment, type SshEnvironment } from './ssh/environment.ts'
import { openStore, type ConsoleStore } from './store/store.ts'

export interface ConsoleOptions {
  /** Where this console keeps its database; made for this user alone. `:memory:` keeps nothing. */
  readonly dataDirectory: string
  readonly shell: 'electron' | 'web' | 'cli'
  readonly version: string
  readonly clock?: Clock
  readonly random?: RandomSource
  readonly ssh?: SshEnvironment
  readonly claimedActor?: ClaimedActor
}

/** One console without any shell around it. */
export interface ConsoleCore extends Disposable {
  readonly shell: ConsoleOptions['shell']
  readonly version: string
  readonly claimedActor: ClaimedActor
  readonly clock: Clock
  readonly store: ConsoleStore
  readonly fleet: Fleet
  readonly activity: ActivityAudit
  /** Connects the hosts, and again at once when the machine wakes up or changes its network. */
  start(): void
}

/** Puts a console together. Nothing is connected before `start()`. */
export function createConsoleCore(options: ConsoleOptions): ConsoleCore {
  const { dataDirectory, shell, version, clock = systemClock, random = systemRandom } = options
  const { ssh: environment = systemSshEnvironment(), claimedActor = localClaimedActor() } = options
  const disposal = new DisposableStore()
  const store = disposal.add(openStore(dataDirectory))
  const { hosts, cache, heads: pins } = store
  const recorder = disposal.add(new HeadRecorder({ clock, hosts, pins }))
  const fleet = new Fleet({
    clock,
    random,
    claimedActor,
    hosts,
    cache,
    noteHead: (hostId, head) => recorder.note(hostId, head),
    connect: (host, { signal, onStep }) => {
      recorder.expect(host)
      const { target, pinnedKey } = host
      return connectDaemon(target, { environment, pinnedKey, clock, random, claimedActor, signal, onStep })
    },
  })
  disposal.add(fleet)
  const client = (hostId: HostId) => fleet.session(hostId).client()
  const activity = new ActivityAudit({ hosts, pins, recorder, random, claimedActor, client })
  const watching = new AbortController()
  disposal.defer(() => watching.abort())
  const start = (): void => {
    fleet.start()
    const onWake = (): void => fleet.wake()
    void watchForWake({ clock, signal: watching.signal, fingerprint: networkFingerprint, onWake })
  }
  return { shell, version, claimedActor, clock, store, fleet, activity, start, dispose: () => disposal.dispose() }
}
