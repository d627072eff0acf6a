import { PilothouseError } from '../../src-shared/error.ts'
import type { BootRecord } from '../drivers/vm-driver.ts'
import type { Boot } from '../store/boots-table.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { Toolkit } from './toolkit.ts'

/** Throws `environment_quarantined` for one whose record is malformed: only stopping and destroying it are safe. */
export function refuseQuarantined({ name, quarantine }: StoredEnvironment): void {
  if (quarantine === null) return
  throw new PilothouseError('environment_quarantined', `${name} is quarantined. ${quarantine}`)
}

/**
 * The means to stop the boot's guest. Where its record is malformed they are planned anew, since every name of a boot
 * derives from its ids; undefined where not even those are good, and no guest can be told by them.
 */
export function meansToStop(toolkit: Toolkit, environment: StoredEnvironment, boot: Boot): BootRecord | undefined {
  if (boot.problem === null) return boot.record
  if (!/^boot-[0-9a-f]{16}$/.test(boot.id)) return undefined
  const { id: environmentId, home, image, size, guestUid } = environment
  const spec = { environmentId, bootId: boot.id, homeId: home.id, image, size, guestUid, startup: null }
  return toolkit.drivers.of(environment).planBoot(spec)
}
