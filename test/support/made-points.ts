import { join } from 'node:path'
import { Listings } from '../../host-daemon/backups/listings.ts'
import { DEFAULT_RECOVERY } from '../../host-daemon/daemon-options.ts'
import { openDatabase } from '../../host-daemon/store/database.ts'
import type { NewPoint } from '../../host-daemon/store/points-table.ts'
import { createStore, type Store } from '../../host-daemon/store/store.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import type { RecoveryPointId } from '../../src-shared/model/ids.ts'
import { foldersIn, type FakeDriverDaemon } from './fake-driver-daemon.ts'
import { filesOf, layOut, type FakeFiles } from './fake-home-trees.ts'

/** Nothing is done by a schedule: what a test asks for is all that happens. */
export const UNSCHEDULED = {
  ...DEFAULT_RECOVERY,
  policy: { ...DEFAULT_RECOVERY.policy, intervalMinutes: null },
  checkIntervalMs: null,
  pruneIntervalMs: null,
}

/** What the daemon's record says, read beside it. */
export function readStore<T>(host: FakeDriverDaemon, read: (store: Store) => T): T {
  const db = openDatabase(join(host.folder, 'pilothoused.db'), { clock: new SystemClock() })
  try {
    return db.transaction(() => read(createStore(db)))
  } finally {
    db.dispose()
  }
}

/** Puts files into the home of an environment, as its guest would. */
export async function putFiles(host: FakeDriverDaemon, environment: string, files: FakeFiles): Promise<void> {
  const { home } = await host.as('admin').environments.get({ environment })
  const present = host.machine.homes.get(home.id)
  if (present === undefined) throw new Error(`${environment} has no home`)
  host.machine.homes.put(home.id, { ...present, files })
}

/** What is in a home; undefined where there is none. */
export function filesIn(host: FakeDriverDaemon, homeId: string): FakeFiles | undefined {
  const home = host.machine.homes.get(homeId)
  return home === undefined ? undefined : filesOf(home)
}

/** A recovery point of the home as it is now, made and recorded without any operation. */
export async function makePoint(
  host: FakeDriverDaemon,
  environment: string,
  more: Partial<NewPoint> = {},
): Promise<RecoveryPointId> {
  const { id, home, image, size } = await host.as('admin').environments.get({ environment })
  const folders = foldersIn(host.folder)
  const repository = host.repositories.of(id)
  const { signal } = new AbortController()
  const tree = await layOut(join(folders.rooms, id), filesIn(host, home.id) ?? {})
  try {
    await repository.prepare({ signal })
    const options = {
      environmentId: id,
      tags: [],
      homeBytes: size.homeMiB * 1024 ** 2,
      signal,
      onProgress: () => undefined,
    }
    const made = await repository.backUp(tree, options)
    const measured = await repository.sizeOf({ signal, point: made.id })
    await new Listings(folders.listings).make(made.id, (onEntry) =>
      repository.listEntries({ signal, point: made.id, onEntry }),
    )
    const point: NewPoint = {
      id: made.id,
      environmentId: id,
      homeId: home.id,
      image,
      takenAt: made.takenAt,
      hostName: 'test-host',
      ...measured,
      addedBytes: made.addedBytes,
      durationMs: 1,
      consistency: 'quiesced',
      unreadableCount: 0,
      tags: [],
      operationId: null,
      hasListing: true,
      repository: repository.location,
      path: made.path,
      homeMiB: size.homeMiB,
      recordedAt: made.takenAt,
      ...more,
    }
    readStore(host, (store) => store.points.insert(point))
    return made.id
  } finally {
    await tree.close()
  }
}
