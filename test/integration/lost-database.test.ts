import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRouterClient, type Router } from '@orpc/server'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createResticRepositories } from '../../host-daemon/backups/repositories.ts'
import { createDaemon, type Daemon } from '../../host-daemon/daemon.ts'
import { createCallGuard, type ServedCaller } from '../../host-daemon/server/call-guard.ts'
import { openDatabase } from '../../host-daemon/store/database.ts'
import { createStore } from '../../host-daemon/store/store.ts'
import type { daemonContract } from '../../src-shared/contract/daemon.ts'
import type { EnvironmentId, OwnerName } from '../../src-shared/model/ids.ts'
import { repositoryLocationSchema } from '../../src-shared/model/repository.ts'
import { callerOf, foldersIn, newCommandId, refusalOf, spawnInput } from '../support/fake-driver-daemon.ts'
import { UNSCHEDULED } from '../support/made-points.ts'
import { MemoryLogger } from '../support/memory-logger.ts'
import { makeQemuFixture, minimalImage, type QemuFixture } from '../support/qemu-fixture.ts'
import { lightenKey } from '../support/restic-keys.ts'

const WAIT_MS = 110_000
const FILES =
  'cd /home && mkdir -p work/deep && echo figures > work/a && head -c 300000 /dev/urandom > work/deep/b && ln -s a work/l'
/** Everything in the home, as the guest sees it, with a hash of each file. */
const TREE = 'cd /home && find . ! -name lost+found | sort && find . -type f | sort | xargs -r md5sum'

interface Host {
  readonly daemon: Daemon
  readonly logger: MemoryLogger
  readonly databasePath: string
  /** The password file of its repositories. */
  readonly password: string
}

let fixture: QemuFixture
const hosts: Host[] = []

/** A daemon with a state folder of its own, on the homes and below the repositories of all of them. */
async function startHost(name: string): Promise<Host> {
  const folder = join(fixture.folder, name)
  await mkdir(folder, { mode: 0o711 })
  const { clock, random } = fixture.options
  const [logger, databasePath, password] = [new MemoryLogger(), join(folder, 'db'), join(folder, 'password')]
  const daemon = createDaemon({
    databasePath,
    options: {
      hostName: name,
      version: '0.0.0-test',
      guestUidBase: 200_000,
      owners: [{ name: 'local' as OwnerName, limit: 'unlimited', note: '' }],
      recovery: UNSCHEDULED,
    },
    drivers: [fixture.driver],
    images: (await minimalImage()).images,
    repositories: createResticRepositories({
      base: repositoryLocationSchema.parse(join(fixture.folder, 'elsewhere')),
      isShared: false,
      password: { file: password, isOurs: true },
      cacheDirectory: join(folder, 'cache'),
      idleMs: 60_000,
      clock,
      random,
    }),
    folders: foldersIn(folder),
    clock,
    random,
    logger,
  })
  const host = { daemon, logger, databasePath, password }
  hosts.push(host)
  await daemon.start()
  return host
}

function adminOf({ daemon }: Host) {
  const guarded: Router<typeof daemonContract, ServedCaller> = daemon.router
  return createRouterClient(guarded, {
    context: () => ({ ...callerOf('admin'), logger: pino({ level: 'silent' }) }),
    interceptors: [createCallGuard(fixture.options.clock)],
  })
}

async function ended(host: Host, { id }: { readonly id: string }): Promise<void> {
  const { status } = await adminOf(host).operations.wait({ id, timeoutMs: WAIT_MS })
  expect(status, JSON.stringify([status, host.logger.errors()])).toMatchObject({ kind: 'succeeded' })
}

async function inGuest({ databasePath }: Host, id: EnvironmentId, script: string): Promise<string> {
  const db = openDatabase(databasePath, { clock: fixture.options.clock })
  const record = createStore(db).boots.liveOf(id)?.record
  db.dispose()
  if (record === undefined) throw new Error('There is no guest')
  const program = { file: '/bin/sh', args: ['-c', `${script}; sync`], deadlineMs: 20_000 }
  const result = await fixture.driver.runInGuest(record, { ...program, signal: AbortSignal.timeout(30_000) })
  expect(result.exitCode, result.stderr.toString()).toBe(0)
  return result.stdout.toString()
}

/** Ends every guest of a host by what its own record knows of it, whichever daemon runs. */
async function endGuests({ databasePath }: Host): Promise<void> {
  const db = openDatabase(databasePath, { clock: fixture.options.clock })
  const store = createStore(db)
  const records = store.environments.list().map(({ id }) => store.boots.liveOf(id)?.record)
  db.dispose()
  for (const record of records) {
    if (record !== undefined) await fixture.driver.stopGuest(record, { graceMs: 0, forceMs: 10_000 })
  }
}

beforeAll(async () => {
  fixture = await makeQemuFixture()
  await mkdir(join(fixture.folder, 'elsewhere'))
}, 180_000)
afterAll(async () => {
  try {
    await hosts.at(-1)?.daemon.stop()
    for (const host of hosts) await endGuests(host)
  } finally {
    await fixture.remove()
  }
}, 60_000)

it('brings an environment back, byte for byte, from the repository alone', async () => {
  const lost = await startHost('host-1')
  const size = { memoryMiB: 128, homeMiB: 64 }
  await ended(lost, await adminOf(lost).environments.spawn({ ...spawnInput('web'), size }))
  const { id: environment, home } = await adminOf(lost).environments.get({ environment: 'web' })
  await inGuest(lost, environment, FILES)
  const then = await inGuest(lost, environment, TREE)
  await ended(lost, await adminOf(lost).backups.now({ commandId: newCommandId(), environment }))
  await lightenKey(join(fixture.folder, 'elsewhere', environment), (await readFile(lost.password, 'utf8')).trimEnd())
  const [made] = await adminOf(lost).backups.points({ environment })
  await lost.daemon.stop()

  const next = await startHost('host-2')
  const admin = adminOf(next)
  // The home and its note are there, and the guest runs; nothing of them is taken for a leftover of nobody's.
  const { items } = await admin.drift.list()
  expect(items.find(({ id }) => id === `home:${home.id}`)).toMatchObject({
    environmentId: environment,
    holdsData: true,
  })
  expect((await admin.backups.orphaned()).unrecorded).toEqual([environment])
  expect(await refusalOf(admin.backups.adopt({ environment }))).toMatchObject({ code: 'wrong_password' })
  await copyFile(lost.password, next.password)
  expect(await admin.backups.adopt({ environment })).toMatchObject({ taken: 1, passedOver: [], left: 0 })
  const unknown = { addedBytes: null, durationMs: null, unreadableCount: null, hasListing: false }
  expect(await admin.backups.points({ environment })).toEqual([{ ...made, ...unknown }])
  expect(made).toMatchObject({ hostName: 'host-1', homeMiB: 64 })

  const wish = { commandId: newCommandId(), environment, point: 'latest', name: 'again', owner: 'local' }
  await ended(next, await admin.clone({ ...wish, size: { memoryMiB: 128 } }))
  const again = await admin.environments.get({ environment: 'again' })
  expect(await inGuest(next, again.id, TREE)).toBe(then)
  expect(await admin.backups.adopt({ environment })).toMatchObject({ taken: 0, known: 1 })
  expect((await admin.drift.list()).items.map(({ id }) => id)).toContain(`home:${home.id}`)
  expect(next.logger.errors()).toEqual([])
}, 240_000)
