import { readdir } from 'node:fs/promises'
import { expect, it } from 'vitest'
import type { HomeViewOptions } from '../../host-daemon/drivers/vm-driver.ts'
import {
  expectNothingLeft,
  GRACEFUL_STOP,
  GUEST_TEST_MS,
  never,
  planGuest,
  QUICK_STOP,
  startAndWait,
  type DriverSubject,
  type DriverTraits,
} from './driver-subject.ts'

/** Views of homes, of running and of stopped guests. Registers the tests in the current block. */
export function describeHomeView(subject: () => DriverSubject, traits: DriverTraits): void {
  const options = (signal = never): HomeViewOptions => ({ scratchDirectory: subject().scratchDirectory, signal })
  const scratchFiles = async () =>
    (await readdir(subject().scratchDirectory).catch(() => [])).filter((name) => name.startsWith('boot-'))

  it(
    'shows what is in the home of a running guest, one at a time, again and again, and leaves nothing',
    async () => {
      const { driver } = subject()
      const { spec, record } = await planGuest(subject())
      await subject().leaveInHome(spec.homeId, 'kept')
      await startAndWait(driver, { spec, record }, traits)
      for (let round = 0; round < 2; round += 1) {
        const view = await driver.openHomeView(record, options())
        expect(view).toMatchObject({ consistency: 'quiesced', isQuiesced: true })
        expect(view.frozenMs).toBeGreaterThan(0)
        await expect(driver.openHomeView(record, options())).rejects.toMatchObject({ code: 'operation_in_flight' })
        expect(await subject().readFromView(view.imagePath)).toBe('kept')
        expect(await driver.inspectGuest(record)).toMatchObject({ kind: 'alive', agent: 'answering' })
        await view.close()
        await view.close()
        expect(await scratchFiles()).toEqual([])
      }
      expect(await driver.stopGuest(record, GRACEFUL_STOP)).toBe('graceful')
      await expectNothingLeft(driver, record)
      await driver.destroyHome(spec.homeId)
    },
    GUEST_TEST_MS,
  )

  it(
    'is dropped by the daemon that follows, and goes with its guest',
    async () => {
      const { driver } = subject()
      const { spec, record } = await planGuest(subject())
      await subject().leaveInHome(spec.homeId, 'kept')
      await startAndWait(driver, { spec, record }, traits)
      const lost = await driver.openHomeView(record, options())
      const restarted = await subject().restart()
      await restarted.dropHomeViews(record, options())
      await restarted.dropHomeViews(record, options())
      const view = await restarted.openHomeView(record, options())
      expect(await subject().readFromView(view.imagePath)).toBe('kept')
      await subject().crash(record)
      await view.close()
      await lost.close()
      await restarted.dropHomeViews(record, options())
      expect(await scratchFiles()).toEqual([])
      await restarted.stopGuest(record, QUICK_STOP)
      await expectNothingLeft(restarted, record)
      await restarted.destroyHome(spec.homeId)
    },
    GUEST_TEST_MS,
  )

  it('of a stopped guest shows the home itself, and is refused without one, or when it is not wanted', async () => {
    const { driver } = subject()
    const { spec, record } = await planGuest(subject())
    await subject().leaveInHome(spec.homeId, 'kept')
    const view = await driver.openHomeView(record, options())
    expect(view).toMatchObject({ consistency: 'quiesced', isQuiesced: true, frozenMs: null })
    expect(await subject().readFromView(view.imagePath)).toBe('kept')
    await view.close()
    const reason = new Error('not wanted any more')
    await expect(driver.openHomeView(record, options(AbortSignal.abort(reason)))).rejects.toBe(reason)
    await driver.destroyHome(spec.homeId)
    await expect(driver.openHomeView(record, options())).rejects.toThrow()
    expect(await scratchFiles()).toEqual([])
  })
}
