import type { RecoveryPointId } from '../../src-shared/model/ids.ts'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { UNSCHEDULED } from '../support/made-points.ts'

const LAST = { ...UNSCHEDULED.policy, keep: { last: 1 } }

let host: FakeDriverDaemon
const admin = () => host.as('admin')
const command = () => ({ commandId: newCommandId(), environment: 'web' })
const ended = ({ id }: Pick<Operation, 'id'>) => admin().operations.wait({ id, timeoutMs: 5_000 })
const backUp = async () => ended(await admin().backups.now(command()))
const prune = async () => ended(await admin().backups.prune(command()))
const environmentId = async () => (await admin().environments.get({ environment: 'web' })).id
const left = async () => host.repositories.pointsOf(await environmentId()).map(({ id }) => id)
const recorded = async () => (await admin().backups.points({ environment: 'web' })).map(({ id }) => id)

beforeEach(async () => {
  host = await startFakeDriverDaemon({ options: { recovery: { ...UNSCHEDULED, policy: LAST } } })
  await ended(await admin().environments.spawn(spawnInput('web')))
})
afterEach(() => host.remove())

it('keeps the good point, and not a newer one that its failed backup could not forget', async () => {
  await backUp()
  const good = await recorded()
  host.repositories.failNext('sizeOf', new Error('It cannot be measured.'))
  host.repositories.failNext('forget', new Error('Nor forgotten.'))
  expect((await backUp()).status).toMatchObject({ kind: 'failed' })
  expect(await left()).toHaveLength(2)
  expect((await prune()).result).toEqual({ kind: 'prune', forgotten: 0, kept: 1 })
  expect(await left()).toEqual(good)
  expect(await recorded()).toEqual(good)
})

it('leaves alone what is of an operation that nobody here knows', async () => {
  await backUp()
  const store = host.repositories.stores.get(host.repositories.of(await environmentId()).location)!
  const [own] = store.points
  const foreign = { ...own!, id: 'f'.repeat(64) as RecoveryPointId, tags: ['operation=op-0123456789abcdef'] }
  store.points.unshift(foreign)
  host.repositories.failNext('prune', new Error('Not now.'))
  await prune()
  expect(await left()).toEqual([foreign.id, own!.id])
})
