import { open } from 'node:fs/promises'
import { homeImagePath } from '../../host-daemon/drivers/qemu/handles.ts'
import type { BootRecord } from '../../host-daemon/drivers/vm-driver.ts'
import { findGuest } from '../../host-daemon/drivers/qemu/find-guest.ts'
import { signalProcess, waitUntilGone, type SignalName } from '../../host-daemon/system/processes.ts'
import { makeQemuFixture, MINIMAL_IMAGE } from '../support/qemu-fixture.ts'
import type { DriverSubject } from './driver-subject.ts'
import { describeVmDriver } from './vm-driver-conformance.ts'

describeVmDriver('qemu', { makeSubject, console: 'shell', readyDeadlineMs: 30_000 })

async function makeSubject(): Promise<DriverSubject> {
  const fixture = await makeQemuFixture()
  return {
    driver: fixture.driver,
    image: MINIMAL_IMAGE,
    restart: () => fixture.restart(),
    crash: (record) => hurt(record, 'SIGKILL'),
    freeze: (record) => hurt(record, 'SIGSTOP'),
    // The image starts no agent without its home; a home without a superblock cannot be mounted.
    silence: (spec) => eraseStart(homeImagePath(fixture.options.homesDirectory, spec.homeId)),
    remove: () => fixture.remove(),
  }
}

async function hurt(record: BootRecord, signal: SignalName): Promise<void> {
  const process = await findGuest(record)
  if (process === undefined) throw new Error('There is no guest to hurt.')
  await signalProcess(process, signal)
  if (signal === 'SIGKILL') await waitUntilGone(process, { timeoutMs: 5_000 })
}

async function eraseStart(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(Buffer.alloc(65_536), 0, 65_536, 0)
  await file.close()
}
