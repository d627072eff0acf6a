import { PilothouseError } from '../../../src-shared/error.ts'
import type { Clock, RandomSource } from '../../../src-shared/lib/clock.ts'
import { hostIdSchema, type HostName } from '../../../src-shared/model/ids.ts'
import { fetchHostKey } from '../../ssh/connect.ts'
import type { SshEnvironment } from '../../ssh/environment.ts'
import type { HostStore, StoredHost } from '../../store/host-store.ts'
import type { HostRoster } from './ports.ts'

export interface HostRosterDeps {
  readonly store: HostStore
  readonly environment: SshEnvironment
  readonly clock: Clock
  readonly random: RandomSource
}

/** The stored host of this name. Throws `not_found`. */
export function storedHost(store: HostStore, name: HostName): StoredHost {
  const host = store.byName(name)
  if (host !== undefined) return host
  throw new PilothouseError('not_found', `This console knows no host named ${name}.`, {
    hint: 'See `pilothouse hosts list`.',
  })
}

/** The console's list of hosts, in the database that the app uses too. */
export function hostRosterOf({ store, environment, clock, random }: HostRosterDeps): HostRoster {
  const fetchKey: HostRoster['fetchKey'] = (name, signal) =>
    fetchHostKey(storedHost(store, name).target, { environment, signal })
  return {
    list: () => store.list(),
    add: (name, target) => store.add({ id: hostIdSchema.parse(`host-${random.hex(4)}`), name, target }, clock.now()),
    remove: (name) => void store.remove(storedHost(store, name).id),
    fetchKey,
    acceptKey: async (name, fingerprint, signal) => {
      const key = await fetchKey(name, signal)
      if (key.fingerprint !== fingerprint) throw otherKey(name, key.fingerprint)
      store.pin(storedHost(store, name).id, key)
      return storedHost(store, name)
    },
  }
}

function otherKey(name: HostName, shown: string): PilothouseError {
  return new PilothouseError('host_key_changed', `${name} shows another key, ${shown}; nothing was pinned.`)
}
