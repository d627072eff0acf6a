import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import type { FakeVmDriver } from '../support/fake-vm-driver.ts'
import { waitFor } from '../support/wait-for.ts'

describe('what a dead daemon left in guests', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('operator')
  const idOf = async (name: string) => (await client().environments.get({ environment: name })).boot?.id ?? ''
  const viewed = () => host.machine.views.ids()
  /** As a daemon that is killed leaves it: the view is the engine's, and outlives it. */
  const leaveViews = async (...names: string[]) => {
    for (const name of names) {
      const bootId = await idOf(name)
      host.machine.views.put(bootId, { bootId })
    }
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    for (const name of ['web', 'db']) {
      const { id } = await client().environments.spawn(spawnInput(name))
      await client().operations.wait({ id, timeoutMs: 5_000 })
    }
  })
  afterEach(() => host.remove())

  it('is dropped from every guest before the next daemon looks at any of them', async () => {
    await leaveViews('web', 'db')
    let inspectedBefore = -1
    const arrange = (driver: FakeVmDriver) => {
      const drop = driver.dropHomeViews.bind(driver)
      driver.dropHomeViews = async (...args) => {
        await drop(...args)
        inspectedBefore = driver.calls.inspectGuest
      }
    }
    host = await host.crash({ arrange })
    expect(viewed()).toEqual([])
    expect(inspectedBefore).toBe(0)
    expect(host.driver.calls.dropHomeViews).toBe(2)
    const { observed } = await client().environments.get({ environment: 'web' })
    expect(observed).toMatchObject({ kind: 'running' })
  })

  it('is tried again where it cannot be dropped, said once, and never fatal', async () => {
    await leaveViews('web', 'db')
    const arrange = (driver: FakeVmDriver) => {
      for (let time = 0; time < 3; time += 1) driver.failNext('dropHomeViews', new Error('The monitor is silent.'))
    }
    host = await host.crash({ arrange })
    await waitFor('the views to be dropped', () => viewed().length === 0)
    const told = host.logger.lines.filter(({ message }) => message.includes('earlier daemon'))
    expect(told.filter(({ level }) => level === 'warn').length).toBeGreaterThan(0)
    expect(told.filter(({ level }) => level === 'warn').length).toBeLessThanOrEqual(2)
    expect(told.filter(({ level }) => level === 'info').length).toBe(told.length / 2)
    const calls = host.driver.calls.dropHomeViews
    await waitFor('looks at the guests', () => host.driver.calls.inspectGuest > 6)
    expect(host.driver.calls.dropHomeViews).toBe(calls)
  })

  it('is no longer tried for a guest that has ended', async () => {
    await leaveViews('web')
    const arrange = (driver: FakeVmDriver) => {
      driver.dropHomeViews = () => Promise.reject(new Error('The monitor is silent.'))
    }
    host = await host.crash({ arrange })
    expect(viewed()).toHaveLength(1)
    for (const environment of ['web', 'db']) {
      const { id } = await client().environments.stop({ commandId: newCommandId(), environment })
      expect(await client().operations.wait({ id, timeoutMs: 5_000 })).toMatchObject({ status: { kind: 'succeeded' } })
    }
    await waitFor('the end of it', () => host.logger.lines.some(({ message }) => message.endsWith('is gone now')))
  })

  it('does not keep the daemon from ending while it is waited for', async () => {
    const arrange = (driver: FakeVmDriver) => {
      driver.failNext('dropHomeViews', new Error('The monitor is silent.'))
      driver.failNext('dropHomeViews', new Error('The monitor is silent.'))
    }
    host = await host.restart({ arrange })
    host.driver.hold('dropHomeViews')
    await waitFor('another try', () => host.driver.calls.dropHomeViews > 2)
    await host.stop()
  })
})
