import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { makePoint, putFiles, UNSCHEDULED } from '../support/made-points.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { waitFor } from '../support/wait-for.ts'

let clock: ManualClock
let host: FakeDriverDaemon
const admin = () => host.as('admin')
const get = (id: Operation['id']) => admin().operations.get({ id })
const ended = ({ id }: Pick<Operation, 'id'>) => admin().operations.wait({ id, timeoutMs: 5_000 })
const command = () => ({ commandId: newCommandId(), environment: 'web' })
const bootNow = () => host.machine.guests.ids()[0]
const turns = async () => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate)
}

beforeEach(async () => {
  clock = new ManualClock()
  host = await startFakeDriverDaemon({ clock, options: { recovery: UNSCHEDULED } })
  await ended(await admin().environments.spawn(spawnInput('web')))
  await putFiles(host, 'web', { notes: 'of the customer' })
  await makePoint(host, 'web')
})
afterEach(() => host.remove())

it.each(['drill', 'files'] as const)('a reboot waits half a minute for a %s whose restic is deaf', async (kind) => {
  const pointed = { ...command(), point: 'latest' }
  const release = host.repositories.hold('fill', { isDeaf: true })
  const { id } = await (kind === 'drill'
    ? admin().drill(pointed)
    : admin().files({ ...pointed, paths: ['/'], folder: 'found' }))
  await waitFor('the filling', () => host.repositories.calls.fill === 1)
  const boot = bootNow()
  const reboot = await admin().environments.reboot(command())
  clock.advance(29_000)
  await turns()
  expect((await get(reboot.id)).status.kind).toBe('running')
  expect(bootNow()).toBe(boot)
  clock.advance(2_000)
  expect((await ended(reboot)).status.kind).toBe('succeeded')
  // Its scratch home is there as long as something may write to it, and not a moment longer.
  expect((await get(id)).status.kind).toBe('running')
  expect(host.machine.homes.ids()).toHaveLength(2)
  release()
  expect((await ended({ id })).status.kind).toBe('cancelled')
  expect(host.machine.homes.ids()).toHaveLength(1)
})

it('a reboot waits for a backup, which reads the home, for as long as that takes', async () => {
  const release = host.repositories.hold('backUp', { isDeaf: true })
  const { id } = await admin().backups.now(command())
  await waitFor('the reading', () => host.repositories.calls.backUp === 2)
  const boot = bootNow()
  const reboot = await admin().environments.reboot(command())
  clock.advance(50_000)
  await turns()
  expect((await get(reboot.id)).status.kind).toBe('running')
  expect(bootNow()).toBe(boot)
  release()
  expect((await ended(reboot)).status.kind).toBe('succeeded')
  expect((await ended({ id })).status.kind).toBe('cancelled')
})
