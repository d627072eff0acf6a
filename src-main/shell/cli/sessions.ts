import type { ClaimedActor } from '../../../src-shared/model/ids.ts'
import type { Clock, RandomSource } from '../../../src-shared/lib/clock.ts'
import { connectDaemon, connectDaemonSocket } from '../../fleet/daemon-link.ts'
import type { SshEnvironment } from '../../ssh/environment.ts'
import type { HostStore } from '../../store/host-store.ts'
import { storedHost } from './host-roster.ts'
import type { CliDeps } from './ports.ts'

export interface SessionDeps {
  readonly hosts: () => HostStore
  readonly environment: SshEnvironment
  readonly clock: Clock
  readonly random: RandomSource
  readonly claimedActor: ClaimedActor
}

/** Opens connections: to a stored host over SSH with its pinned key, or to a socket of this machine. */
export function sessionOpener({ hosts, environment, ...deps }: SessionDeps): CliDeps['openSession'] {
  return (target, signal) => {
    if (target.kind === 'socket') return connectDaemonSocket(target.path, { ...deps, signal })
    const host = storedHost(hosts(), target.name)
    return connectDaemon(host.target, { ...deps, signal, environment, pinnedKey: host.pinnedKey })
  }
}
