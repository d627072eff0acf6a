import { expect, it } from 'vitest'
import type { VmDriver } from '../../../host-daemon/drivers/vm-driver.ts'
import { freeBytesOf } from '../../../host-daemon/environments/home-room.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import { ManualClock } from '../../support/manual-clock.ts'

it('is not waited for longer than 5 s: a disk that hangs must not hang whoever must know', async () => {
  const clock = new ManualClock()
  const driver = { freeHomeBytes: () => new Promise(() => undefined) } as Pick<VmDriver, 'freeHomeBytes'>
  const asked = freeBytesOf(driver, clock).catch((error: unknown) => error)
  clock.advance(5_000)
  const error = await asked
  expect(error).toBeInstanceOf(PilothouseError)
  expect(error).toMatchObject({ code: 'storage_failed', message: expect.stringContaining('within 5 s') as string })
})
