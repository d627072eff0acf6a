import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PilothouseError } from '../../src-shared/error.ts'
import type { BackupStatus } from '../../src-shared/model/backup.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { answerAsTold } from '../support/point-bench.ts'
import { UNSCHEDULED } from '../support/made-points.ts'

const POLICY = { intervalMinutes: 60, keep: { last: 1 }, freshnessMinutes: 7, drillIntervalHours: null }

describe('how well all are protected', () => {
  let host: FakeDriverDaemon
  const admin = () => host.as('admin')
  const command = (environment = 'web') => ({ commandId: newCommandId(), environment })
  const ended = ({ id }: Pick<Operation, 'id'>) => admin().operations.wait({ id, timeoutMs: 10_000 })
  const all = async () => (await admin().backups.status({})).rows
  const damage = (sql: string): Promise<void> => {
    const db = new BetterSqlite3(join(host.folder, 'pilothoused.db'))
    db.pragma('ignore_check_constraints = ON')
    db.pragma('foreign_keys = OFF')
    db.exec(sql)
    db.close()
    return Promise.resolve()
  }
  const untimed = (row: BackupStatus) => ({
    ...row,
    freshness: { ...row.freshness, sentence: '' },
    observedAt: 0,
  })

  /** One environment's row is read anew whenever it is asked for. */
  async function asOneByOne(): Promise<BackupStatus[]> {
    const rows = await all()
    const each: BackupStatus[] = []
    for (const { environmentId: environment } of rows)
      each.push(...(await admin().backups.status({ environment })).rows)
    expect((await all()).map(untimed)).toEqual(each.map(untimed))
    return rows
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon({ options: { recovery: UNSCHEDULED } })
    host.driver.onProgram = answerAsTold
    await ended(await admin().environments.spawn(spawnInput('web')))
    await asOneByOne()
  })
  afterEach(() => host.remove())

  async function restore(): Promise<void> {
    const { ticket } = await admin().restore.plan({ environment: 'web', point: 'latest', isStopNow: false })
    await ended(await admin().restore.run({ ...command(), confirmName: 'web', ticket: ticket.id }))
  }

  const STEPS: Readonly<Record<string, () => Promise<unknown>>> = {
    'a backup': async () => ended(await admin().backups.now(command())),
    'another environment': async () => ended(await admin().environments.spawn(spawnInput('other'))),
    'a failed backup': async () => {
      host.repositories.failNext('backUp', new PilothouseError('repository_unreachable', 'Nobody is there.'))
      return ended(await admin().backups.now(command('other')))
    },
    'a policy': () => admin().backups.setPolicy({ environment: 'web', policy: POLICY }),
    'another name': () => admin().environments.rename({ environment: 'other', name: 'renamed' }),
    'a check': async () => ended(await admin().backups.check({ ...command(), depth: 'all' })),
    'a second backup': async () => ended(await admin().backups.now(command())),
    'a prune': async () => ended(await admin().backups.prune(command())),
    'a drill': async () => ended(await admin().drill({ ...command(), point: 'latest' })),
    'a restore': restore,
    'an undo': async () => {
      const { ticket } = await admin().undo.plan({ environment: 'web' })
      await ended(await admin().undo.run({ ...command(), confirmName: 'web', ticket: ticket.id }))
    },
    'no policy': () => admin().backups.setPolicy({ environment: 'web', policy: null }),
    'another writer': () => damage("UPDATE backup_states SET problem = 'No.'"),
    'a malformed row': () => damage("UPDATE environments SET owner = '!' WHERE name = 'renamed'"),
    'a sound row': () => damage("UPDATE environments SET owner = 'local' WHERE name = 'renamed'"),
    'an environment without a home': async () => {
      host.driver.failNext('createHome', new Error('No.'))
      return ended(await admin().environments.spawn(spawnInput('bare')))
    },
    'its first home': async () => ended(await admin().environments.recover(command('bare'))),
    'the end of one': async () => {
      const { ticket } = await admin().environments.destroy.plan({ environment: 'renamed' })
      await ended(
        await admin().environments.destroy.run({ ...command('renamed'), ticket: ticket.id, confirmName: 'renamed' }),
      )
    },
  }

  it('is told as of each alone, after whatever has changed', async () => {
    let before = ''
    for (const [what, step] of Object.entries(STEPS)) {
      await step()
      const told = JSON.stringify((await asOneByOne()).map(untimed))
      expect(told, `${what} has changed nothing`).not.toBe(before)
      before = told
    }
    expect((await all()).map(({ environmentName }) => environmentName)).toEqual(['web', 'bare'])
  })

  it('is told anew to who follows, once there is a home to protect', async () => {
    host.driver.failNext('createHome', new Error('No.'))
    await ended(await admin().environments.spawn(spawnInput('bare')))
    const ending = new AbortController()
    const kinds: string[] = []
    const following = (async () => {
      for await (const event of await admin().events({}, { signal: ending.signal })) {
        if (event.type !== 'backup_changed' || event.backup.environmentName !== 'bare') continue
        kinds.push(event.backup.freshness.kind)
        if (event.backup.freshness.kind === 'missing') return
      }
    })()
    await ended(await admin().environments.recover(command('bare')))
    await following.finally(() => ending.abort())
    expect(kinds.at(-1)).toBe('missing')
  })
})
