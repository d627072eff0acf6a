import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PilothouseError, type ErrorCode } from '../../src-shared/error.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import type { FakeRepositoryAction } from '../support/fake-point-repository.ts'
import { UNSCHEDULED } from '../support/made-points.ts'
import { waitFor } from '../support/wait-for.ts'

describe('the lock of an engine that was ended', () => {
  let host: FakeDriverDaemon
  const admin = () => host.as('admin')
  const command = () => ({ commandId: newCommandId(), environment: 'web' })
  const pointed = () => ({ ...command(), point: 'latest' })
  const ended = ({ id }: Pick<Operation, 'id'>) => admin().operations.wait({ id, timeoutMs: 10_000 })
  const leaveLock = () => {
    for (const store of host.repositories.stores.values()) store.deadLocks = 1
  }
  const noLockIsLeft = () => {
    for (const store of host.repositories.stores.values()) expect(store.deadLocks).toBe(0)
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon({ options: { recovery: UNSCHEDULED } })
    await ended(await admin().environments.spawn(spawnInput('web')))
    await ended(await admin().backups.now(command()))
  })
  afterEach(() => host.remove())

  const restore = async () => {
    const { ticket } = await admin().restore.plan({ environment: 'web', point: 'latest', isStopNow: false })
    return admin().restore.run({ ...command(), confirmName: 'web', ticket: ticket.id })
  }
  const USES: Readonly<Record<string, readonly [FakeRepositoryAction, () => Promise<Operation>]>> = {
    'a backup': ['backUp', () => admin().backups.now(command())],
    'the measuring of a backup': ['sizeOf', () => admin().backups.now(command())],
    'a check': ['check', () => admin().backups.check({ ...command(), depth: 'all' })],
    'a prune': ['prune', () => admin().backups.prune(command())],
    'a restore': ['fill', restore],
    'a clone': ['fill', () => admin().clone({ ...pointed(), name: 'twin', owner: 'local' })],
    'a drill': ['fill', () => admin().drill(pointed())],
    'files on their own': ['fill', () => admin().files({ ...pointed(), paths: ['/'], folder: 'files' })],
  }
  const names = Object.keys(USES)
  const useOf = (name: string) => USES[name]!

  it.each(names)('is gone when %s has failed by it, with its own failure', async (name) => {
    const [action, begin] = useOf(name)
    host.repositories.failNext(action, new PilothouseError('engine_failed', 'Ended from outside.'))
    const running = await begin()
    leaveLock()
    const { status } = await ended(running)
    const message: unknown = expect.stringMatching(/^Ended from outside[.]/)
    expect(status).toMatchObject({ kind: 'failed', failure: { code: 'engine_failed', message } })
    noLockIsLeft()
  })

  it.each(names)('is gone when %s was cancelled', async (name) => {
    const [action, begin] = useOf(name)
    const before = host.repositories.calls[action]
    const release = host.repositories.hold(action)
    const running = await begin()
    await waitFor(action, () => host.repositories.calls[action] > before)
    leaveLock()
    await admin().operations.cancel({ id: running.id })
    expect((await ended(running)).status.kind).toBe('cancelled')
    noLockIsLeft()
    release()
  })

  it('is no reason to tell another failure, where it cannot be looked for', async () => {
    host.repositories.failNext('backUp', new PilothouseError('engine_failed', 'Ended from outside.'))
    host.repositories.failNext('clearDeadLocks', new PilothouseError('repository_unreachable', 'Nobody is there.'))
    const { status } = await ended(await admin().backups.now(command()))
    expect(status).toMatchObject({ failure: { message: 'Ended from outside.' } })
  })

  it.each<ErrorCode>(['repository_missing', 'wrong_password', 'no_recovery_point'])(
    'is not looked for after %s, with which nobody takes one',
    async (code) => {
      const { calls } = host.repositories
      host.repositories.failNext('check', new PilothouseError(code, 'No.'))
      await ended(await admin().backups.check({ ...command(), depth: 'all' }))
      expect(calls.clearDeadLocks).toBe(0)
    },
  )
})
