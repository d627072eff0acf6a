import type { Clock } from '../../../src-shared/lib/clock.ts'
import type { HostName } from '../../../src-shared/model/ids.ts'
import { judgeToldHead } from '../../activity/told-head.ts'
import type { PinOwner } from '../../store/pinned-heads.ts'
import type { ConsoleStore } from '../../store/store.ts'
import { storedHost } from './host-roster.ts'
import type { HeadPins } from './ports.ts'

/** The heads in the database that the app uses too: what one of them has seen, the other one holds hosts to. */
export function headPinsOf({ hosts, heads }: Pick<ConsoleStore, 'hosts' | 'heads'>, clock: Clock): HeadPins {
  const ownerOf = (name: HostName): PinOwner => {
    const { id, pinnedKey } = storedHost(hosts, name)
    return { id, fingerprint: pinnedKey?.fingerprint ?? null }
  }
  return {
    list: (name) => heads.list(ownerOf(name)),
    pin: (name, told, before) => {
      const pinned = judgeToldHead(told, before[0]?.head ?? null, clock.now())
      if (pinned !== null) heads.add(ownerOf(name), [pinned])
    },
  }
}
