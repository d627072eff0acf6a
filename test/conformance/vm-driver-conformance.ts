import { readFile, stat } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { BootRecord, VmDriver } from '../../host-daemon/drivers/vm-driver.ts'
import {
  expectNothingLeft,
  failureOf,
  GRACEFUL_STOP,
  GUEST_TEST_MS,
  never,
  newHomeId,
  planGuest,
  QUICK_STOP,
  type DriverSubject,
  type DriverTraits,
} from './driver-subject.ts'
import { describeFreshHome } from './fresh-home-conformance.ts'
import { describeGuestPrograms } from './guest-program-conformance.ts'
import { describeHomeView } from './home-view-conformance.ts'
import { describeShellGuest } from './shell-guest-conformance.ts'
import { describeSurvey } from './survey-conformance.ts'
import { describeToldGuest } from './told-guest-conformance.ts'

/** What every driver must do; see the comments of `VmDriver`. */
export function describeVmDriver(name: string, traits: DriverTraits): void {
  describe(`${name} as a VmDriver`, () => {
    let subject: DriverSubject
    beforeAll(async () => {
      subject = await traits.makeSubject()
    }, 180_000)
    afterAll(() => subject.remove())

    describe('homes', () => describeHomes(() => subject))
    describe('a guest', () => describeGuest(() => subject, traits))
    describe('a guest that is told something', () => describeToldGuest(() => subject, traits))
    describe('a survey', () => describeSurvey(() => subject, traits))
    describe('a fresh home', () => describeFreshHome(() => subject, traits))
    describe('programs in a guest', () => describeGuestPrograms(() => subject, traits))
    describe('a view of a home', () => describeHomeView(() => subject, traits))
    describe('trouble', () => describeTrouble(() => subject))
    if (traits.console === 'shell') describe('a shell guest', () => describeShellGuest(() => subject, traits))
  })
}

function describeHomes(subject: () => DriverSubject): void {
  it('are made once, kept when made again, and removed once', async () => {
    const { driver } = subject()
    const homeId = newHomeId()
    expect(await driver.inspectHome(homeId)).toEqual({ kind: 'absent' })
    await driver.createHome(homeId, 64, never)
    const made = await driver.inspectHome(homeId)
    expect(made.kind).toBe('present')
    await driver.createHome(homeId, 64, never)
    expect(await driver.inspectHome(homeId)).toEqual(made)
    await driver.destroyHome(homeId)
    await driver.destroyHome(homeId)
    expect(await driver.inspectHome(homeId)).toEqual({ kind: 'absent' })
  })

  it('grow with what is in them, never shrink, and are not made by growing', async () => {
    const { driver } = subject()
    const homeId = newHomeId()
    expect(await failureOf(driver.growHome(homeId, 128, never))).toMatchObject({ reason: 'disk_failed' })
    expect(await driver.inspectHome(homeId)).toEqual({ kind: 'absent' })
    await driver.createHome(homeId, 64, never)
    await subject().leaveInHome(homeId, 'kept')
    for (const sizeMiB of [128, 128, 64]) {
      await driver.growHome(homeId, sizeMiB, never)
      expect(await subject().lookIntoHome(homeId)).toEqual({ sizeMiB: 128, text: 'kept' })
    }
    const reason = new Error('not wanted any more')
    await expect(driver.growHome(homeId, 256, AbortSignal.abort(reason))).rejects.toBe(reason)
    await driver.growHome(homeId, 256, never)
    expect(await subject().lookIntoHome(homeId)).toEqual({ sizeMiB: 256, text: 'kept' })
    await driver.destroyHome(homeId)
  })

  it('leave nothing behind when making one is aborted', async () => {
    const { driver } = subject()
    const homeId = newHomeId()
    const reason = new Error('not wanted any more')
    await expect(driver.createHome(homeId, 64, AbortSignal.abort(reason))).rejects.toBe(reason)
    expect(await driver.inspectHome(homeId)).toEqual({ kind: 'absent' })
    await driver.createHome(homeId, 64, never)
    expect((await driver.inspectHome(homeId)).kind).toBe('present')
    await driver.destroyHome(homeId)
  })
}

function describeGuest(subject: () => DriverSubject, traits: DriverTraits): void {
  it(
    'starts, becomes ready, is alive, takes input, outlives daemons and stops gracefully',
    async () => {
      const { driver } = subject()
      const { spec, record } = await planGuest(subject())
      expect(await driver.inspectGuest(record)).toMatchObject({ kind: 'gone' })
      await driver.startGuest(spec, record, never)
      await driver.waitUntilReady(record, traits.readyDeadlineMs, never)
      const evidence = await driver.inspectGuest(record)
      expect(evidence).toMatchObject({ kind: 'alive', agent: 'answering' })
      await expectEcho(driver, record, 'first-daemon')
      for (const daemon of ['second-daemon', 'third-daemon']) {
        const restarted = await subject().restart()
        expect(await restarted.inspectGuest(record)).toEqual(evidence)
        await expectEcho(restarted, record, daemon)
      }
      expect(await driver.stopGuest(record, GRACEFUL_STOP)).toBe('graceful')
      await expectNothingLeft(driver, record)
      expect(await driver.stopGuest(record, GRACEFUL_STOP)).toBe('was_gone')
      await expect(driver.openConsoleInput(record)).rejects.toThrow()
      expect((await stat(record.journalPath)).size).toBeGreaterThan(0)
      await driver.destroyHome(spec.homeId)
    },
    GUEST_TEST_MS,
  )

  it('is named whole by its plan, before anything of it exists', async () => {
    const { driver } = subject()
    const { spec, record } = await planGuest(subject())
    expect(driver.planBoot(spec)).toEqual(record)
    expect(JSON.parse(JSON.stringify(record))).toEqual(record)
    await expectNothingLeft(driver, record)
    await driver.destroyHome(spec.homeId)
  })
}

function describeTrouble(subject: () => DriverSubject): void {
  it(
    'a start that is aborted rejects with the reason and leaves nothing',
    async () => {
      const { driver } = subject()
      for (const afterMs of [0, 3, 20, 45]) {
        const { spec, record } = await planGuest(subject())
        const controller = new AbortController()
        const reason = new Error(`aborted after ${afterMs} ms`)
        const timer = setTimeout(() => controller.abort(reason), afterMs)
        const outcome = await driver.startGuest(spec, record, controller.signal).then(
          () => 'started',
          (error: unknown) => error,
        )
        clearTimeout(timer)
        if (outcome === 'started') await driver.stopGuest(record, QUICK_STOP)
        else expect(outcome).toBe(reason)
        await expectNothingLeft(driver, record)
        await driver.destroyHome(spec.homeId)
      }
    },
    GUEST_TEST_MS,
  )

  it(
    'a guest that dies before it is ready ends the wait at once',
    async () => {
      const { driver } = subject()
      const { spec, record } = await planGuest(subject())
      await subject().silence(spec)
      await driver.startGuest(spec, record, never)
      const waiting = failureOf(driver.waitUntilReady(record, 60_000, never))
      await subject().crash(record)
      const crashedAt = performance.now()
      expect(await waiting).toMatchObject({ reason: 'guest_exited' })
      expect(performance.now() - crashedAt).toBeLessThan(2_000)
      expect(await driver.inspectGuest(record)).toMatchObject({ kind: 'gone' })
      expect(await driver.stopGuest(record, QUICK_STOP)).toBe('was_gone')
      await expectNothingLeft(driver, record)
      await driver.destroyHome(spec.homeId)
    },
    GUEST_TEST_MS,
  )

  it(
    'an agent that never answers ends the wait at its deadline, the guest alive; then it is forced to stop',
    async () => {
      const { driver } = subject()
      const { spec, record } = await planGuest(subject())
      await subject().silence(spec)
      await driver.startGuest(spec, record, never)
      expect(await failureOf(driver.waitUntilReady(record, 1_500, never))).toMatchObject({ reason: 'agent_timeout' })
      expect(await driver.inspectGuest(record)).toMatchObject({ kind: 'alive', agent: 'silent' })
      const reason = new Error('not wanted any more')
      const controller = new AbortController()
      const waiting = driver.waitUntilReady(record, 60_000, controller.signal)
      controller.abort(reason)
      await expect(waiting).rejects.toBe(reason)
      expect(await driver.stopGuest(record, QUICK_STOP)).toBe('forced')
      await expectNothingLeft(driver, record)
      await driver.destroyHome(spec.homeId)
    },
    GUEST_TEST_MS,
  )
}

async function expectEcho(driver: VmDriver, record: BootRecord, text: string): Promise<void> {
  const input = await driver.openConsoleInput(record)
  await input.write(Buffer.from(`: ${text}\n`))
  input.close()
  await expect.poll(() => readFile(record.journalPath, 'latin1'), { timeout: 10_000 }).toContain(text)
}
