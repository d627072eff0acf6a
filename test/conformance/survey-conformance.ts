import { expect, it } from 'vitest'
import type { SurveyedBoot, SurveyedHome, VmDriver } from '../../host-daemon/drivers/vm-driver.ts'
import type { BootId, HomeId } from '../../src-shared/model/ids.ts'
import {
  expectNothingLeft,
  GUEST_TEST_MS,
  never,
  newHomeId,
  planGuest,
  QUICK_STOP,
  startAndWait,
  type DriverSubject,
  type DriverTraits,
} from './driver-subject.ts'

/** What a driver finds of its own on the host, without any record; see `VmDriver.survey`. */
export function describeSurvey(subject: () => DriverSubject, traits: DriverTraits): void {
  it('lists a home from its making to its removal', async () => {
    const { driver } = subject()
    const homeId = newHomeId()
    expect(await homeIn(driver, homeId)).toBeUndefined()
    await driver.createHome(homeId, 64, never)
    const found = await homeIn(driver, homeId)
    expect(found).toMatchObject({ state: 'whole', environmentId: null })
    expect(found?.bytes).toBeGreaterThan(0)
    expect(await homeIn(await subject().restart(), homeId)).toEqual(found)
    await driver.destroyHome(homeId)
    expect(await homeIn(driver, homeId)).toBeUndefined()
  })

  it(
    'lists a guest with its home, and with the means to end it, until nothing of it is left',
    async () => {
      const { driver } = subject()
      const guest = await planGuest(subject())
      const { bootId, homeId, environmentId } = guest.spec
      expect(await bootIn(driver, bootId)).toBeUndefined()
      await startAndWait(driver, guest, traits)
      const restarted = await subject().restart()
      const found = await bootIn(restarted, bootId)
      expect(found).toMatchObject({ bootId, homeId, hasFiles: true })
      expect(found?.process).not.toBeNull()
      expect(await homeIn(restarted, homeId)).toMatchObject({ state: 'whole', environmentId })
      expect(await restarted.inspectGuest(guest.record)).toMatchObject({ kind: 'alive', agent: 'answering' })
      expect(await restarted.stopGuest(found?.record ?? guest.record, QUICK_STOP)).toBe('forced')
      expect(await bootIn(restarted, bootId)).toBeUndefined()
      await expectNothingLeft(driver, guest.record)
      await driver.destroyHome(homeId)
    },
    GUEST_TEST_MS,
  )

  it(
    'lists the files of a guest that crashed, and no process',
    async () => {
      const { driver } = subject()
      const guest = await planGuest(subject())
      await startAndWait(driver, guest, traits)
      await subject().crash(guest.record)
      const found = await bootIn(driver, guest.spec.bootId)
      expect(found).toMatchObject({ process: null, hasFiles: true })
      await driver.stopGuest(found?.record ?? guest.record, QUICK_STOP)
      expect(await bootIn(driver, guest.spec.bootId)).toBeUndefined()
      await driver.destroyHome(guest.spec.homeId)
    },
    GUEST_TEST_MS,
  )

  it('rejects with the reason when it is aborted', async () => {
    const reason = new Error('not wanted any more')
    await expect(subject().driver.survey(AbortSignal.abort(reason))).rejects.toBe(reason)
  })
}

async function homeIn(driver: VmDriver, homeId: HomeId): Promise<SurveyedHome | undefined> {
  const { homes, problems } = await driver.survey(never)
  expect(problems).toEqual([])
  return homes.find((home) => home.homeId === homeId)
}

async function bootIn(driver: VmDriver, bootId: BootId): Promise<SurveyedBoot | undefined> {
  const { boots, problems } = await driver.survey(never)
  expect(problems).toEqual([])
  return boots.find((boot) => boot.bootId === bootId)
}
