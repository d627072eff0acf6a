import { homedir } from 'node:os'
import { localClaimedActor } from '../../src-main/lib/claimed-actor.ts'
import { systemClock, systemRandom } from '../../src-main/lib/clock.ts'
import { dataDirectory } from '../../src-main/shell/data-directory.ts'
import { hostRosterOf } from '../../src-main/shell/cli/host-roster.ts'
import type { DaemonSession, HostRoster } from '../../src-main/shell/cli/ports.ts'
import { sessionOpener } from '../../src-main/shell/cli/sessions.ts'
import { systemSshEnvironment } from '../../src-main/ssh/environment.ts'
import { openStore } from '../../src-main/store/store.ts'
import { hostNameSchema } from '../../src-shared/model/ids.ts'
import type { Teardown } from '../lib/teardown.ts'

/** A console without any window: its list of hosts, and connections to them as the command line makes them. */
export interface DemoConsole {
  readonly roster: HostRoster
  connect(host: string, signal: AbortSignal): Promise<DaemonSession>
}

/** Where the console of the person who called keeps its hosts. */
export function ownConsoleFolder(): string {
  return dataDirectory(process.env, homedir())
}

export function openConsoleOf(folder: string, teardown: Teardown): DemoConsole {
  const store = openStore(folder)
  teardown.defer("the console's database", () => {
    store.dispose()
    return Promise.resolve()
  })
  const environment = systemSshEnvironment()
  const shared = { environment, clock: systemClock, random: systemRandom }
  const open = sessionOpener({ ...shared, hosts: () => store.hosts, claimedActor: localClaimedActor() })
  return {
    roster: hostRosterOf({ ...shared, store: store.hosts }),
    connect: (host, signal) => open({ kind: 'host', name: hostNameSchema.parse(host) }, signal),
  }
}
