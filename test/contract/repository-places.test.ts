import { afterEach, beforeEach, expect, it } from 'vitest'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { makePoint, UNSCHEDULED } from '../support/made-points.ts'

const ELSEWHERE = '/fake/elsewhere'

let host: FakeDriverDaemon
const admin = () => host.as('admin')
const command = () => ({ commandId: newCommandId(), environment: 'web' })
const ended = ({ id }: Pick<Operation, 'id'>) => admin().operations.wait({ id, timeoutMs: 5_000 })
const freshness = async () => (await admin().backups.status({ environment: 'web' })).rows[0]?.freshness.kind

beforeEach(async () => {
  host = await startFakeDriverDaemon({ options: { recovery: UNSCHEDULED } })
  await ended(await admin().environments.spawn(spawnInput('web')))
})
afterEach(() => host.remove())

it('calls a repository that does not answer so, whatever answers where older points are', async () => {
  const older = await makePoint(host, 'web', { repository: ELSEWHERE })
  const { id } = await admin().environments.get({ environment: 'web' })
  host.repositories.stores.set(ELSEWHERE, host.repositories.stores.get(host.repositories.of(id).location)!)
  host.repositories.failNext('prepare', new PilothouseError('repository_unreachable', 'Nobody is there.'))
  await ended(await admin().backups.now(command()))
  expect(await freshness()).toBe('unavailable')
  const asked = host.repositories.calls.list
  await admin().restore.plan({ environment: 'web', point: older, isStopNow: false })
  expect(host.repositories.calls.list).toBe(asked + 1)
  expect(await freshness()).toBe('unavailable')
  await ended(await admin().backups.now(command()))
  expect(await freshness()).toBe('healthy')
})
