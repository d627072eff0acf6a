import type { Disposable } from '../../src-shared/lib/disposable.ts'
import { CommandLog } from './command-log.ts'
import { openDatabase } from './database.ts'
import { HostStore } from './host-store.ts'
import { PinnedHeads } from './pinned-heads.ts'
import { Settings } from './settings.ts'
import { StateCache } from './state-cache.ts'

/** What this console keeps on its own disk. */
export interface ConsoleStore extends Disposable {
  readonly hosts: HostStore
  readonly cache: StateCache
  readonly heads: PinnedHeads
  readonly commands: CommandLog
  readonly settings: Settings
}

/** Opens, and migrates, the store in `directory`; `:memory:` keeps nothing. */
export function openStore(directory: string): ConsoleStore {
  const db = openDatabase(directory)
  return {
    hosts: new HostStore(db),
    cache: new StateCache(db),
    heads: new PinnedHeads(db),
    commands: new CommandLog(db),
    settings: new Settings(db),
    dispose: () => void db.close(),
  }
}
