import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createRouterClient, type Router } from '@orpc/server'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createResticRepositories } from '../../host-daemon/backups/repositories.ts'
import { createDaemon, type Daemon } from '../../host-daemon/daemon.ts'
import { createCallGuard, type ServedCaller } from '../../host-daemon/server/call-guard.ts'
import { openDatabase } from '../../host-daemon/store/database.ts'
import { createStore } from '../../host-daemon/store/store.ts'
import { writeFileAtomic } from '../../host-daemon/system/files.ts'
import type { daemonContract } from '../../src-shared/contract/daemon.ts'
import type { OwnerName } from '../../src-shared/model/ids.ts'
import { repositoryLocationSchema } from '../../src-shared/model/repository.ts'
import { callerOf, foldersIn, newCommandId, spawnInput } from '../support/fake-driver-daemon.ts'
import { UNSCHEDULED } from '../support/made-points.ts'
import { MemoryLogger } from '../support/memory-logger.ts'
import { makeQemuFixture, minimalImage, type QemuFixture } from '../support/qemu-fixture.ts'

const WAIT_MS = 110_000
/** Longer than a backup takes to reach the home. */
const LETS_GO_MS = 1_500
const THEN = 'mkdir -p /home/work/deep; echo first > /home/work/a; echo deep > /home/work/deep/b; ln -s a /home/work/l'
const NOW = 'rm -rf /home/work; echo later > /home/later'

/** Tells everything in the home, as the guest sees it, with a hash of each file. */
const TREE = 'cd /home && find . ! -name lost+found | sort && find . -type f | sort | xargs -r md5sum'

describe('a restore and its undo on a real guest, by restic', () => {
  let fixture: QemuFixture
  let daemon: Daemon
  let logger: MemoryLogger
  const admin = () => {
    const guarded: Router<typeof daemonContract, ServedCaller> = daemon.router
    return createRouterClient(guarded, {
      context: () => ({ ...callerOf('admin'), logger: pino({ level: 'silent' }) }),
      interceptors: [createCallGuard(fixture.options.clock)],
    })
  }
  const databasePath = () => join(fixture.folder, 'pilothoused.db')
  const command = () => ({ commandId: newCommandId(), environment: 'web' })
  const ended = async ({ id }: { readonly id: string }) => {
    const operation = await admin().operations.wait({ id, timeoutMs: WAIT_MS })
    expect(operation.status, JSON.stringify([operation.status, logger.errors()])).toMatchObject({ kind: 'succeeded' })
    return operation
  }
  const inGuest = async (script: string) => {
    const { id } = await admin().environments.get({ environment: 'web' })
    const db = openDatabase(databasePath(), { clock: fixture.options.clock })
    const record = createStore(db).boots.liveOf(id)?.record
    db.dispose()
    if (record === undefined) throw new Error('There is no guest')
    const program = { file: '/bin/sh', args: ['-c', `${script}; sync`], deadlineMs: 20_000 }
    const result = await fixture.driver.runInGuest(record, { ...program, signal: AbortSignal.timeout(30_000) })
    expect(result.exitCode, result.stderr.toString()).toBe(0)
    return result.stdout.toString()
  }

  beforeAll(async () => {
    fixture = await makeQemuFixture()
    const { folder, options } = fixture
    logger = new MemoryLogger()
    const passwordFile = join(folder, 'password')
    await writeFileAtomic(passwordFile, 'a password for nothing but this test\n')
    await mkdir(join(folder, 'repositories'))
    const { clock, random } = options
    daemon = createDaemon({
      databasePath: databasePath(),
      options: {
        hostName: 'test-host',
        version: '0.0.0-test',
        guestUidBase: 200_000,
        owners: [{ name: 'local' as OwnerName, limit: 'unlimited', note: '' }],
        recovery: { ...UNSCHEDULED, countingMs: 60_000 },
      },
      drivers: [fixture.driver],
      images: (await minimalImage()).images,
      repositories: createResticRepositories({
        base: repositoryLocationSchema.parse(join(folder, 'repositories')),
        isShared: false,
        password: { file: passwordFile },
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
    await daemon.start()
  }, 180_000)
  afterAll(async () => {
    const all = await admin().environments.list({})
    for (const { name: environment } of all.environments) {
      const { ticket } = await admin().environments.destroy.plan({ environment })
      await ended(await admin().environments.destroy.run({ ...command(), ticket: ticket.id, confirmName: environment }))
    }
    await daemon.stop()
    await fixture.remove()
  }, 120_000)

  /** Resolves once the plan counts in a view, which is closed only a while after it is given up. */
  const planThatLetsGoLate = async () => {
    const { driver } = fixture
    const openHomeView = driver.openHomeView.bind(driver)
    const opened = Promise.withResolvers<undefined>()
    let isClosed = false
    // A plan that opens no view must not leave it to whatever opens the next one.
    onTestFinished(() => {
      driver.openHomeView = openHomeView
    })
    driver.openHomeView = async (record, options) => {
      driver.openHomeView = openHomeView
      const view = await openHomeView(record, options)
      opened.resolve(undefined)
      const close = async () => {
        await delay(LETS_GO_MS)
        await view.close()
        isClosed = true
      }
      return { ...view, close }
    }
    const planning = admin().restore.plan({ environment: 'web', point: 'latest' })
    await opened.promise
    return { planning, isClosed: () => isClosed }
  }

  it('brings back the point, and then exactly what it replaced', async () => {
    await ended(await admin().environments.spawn(spawnInput('web')))
    await inGuest(THEN)
    const then = await inGuest(TREE)
    await ended(await admin().backups.now(command()))
    const { planning, isClosed } = await planThatLetsGoLate()
    await ended(await admin().backups.now(command()))
    // The plan's count gave way, and the backup did not fail because its view was still there.
    expect([isClosed(), (await planning).plan.loss.kind]).toEqual([true, 'not_counted'])
    await inGuest(NOW)
    const now = await inGuest(TREE)
    const { plan, ticket } = await admin().restore.plan({ environment: 'web', point: 'latest' })
    expect(plan.loss).toMatchObject({ kind: 'counted', changes: { added: 1, changed: 0, removed: 5 } })
    const restored = await ended(await admin().restore.run({ ...command(), ticket: ticket.id, confirmName: 'web' }))
    expect(restored.result).toMatchObject({ kind: 'restore', pointId: plan.point.id })
    expect(await inGuest(TREE)).toBe(then)
    const undo = await admin().undo.plan({ environment: 'web' })
    await ended(await admin().undo.run({ ...command(), ticket: undo.ticket.id }))
    expect(await inGuest(TREE)).toBe(now)
    expect(logger.errors()).toEqual([])
  }, 300_000)
})
