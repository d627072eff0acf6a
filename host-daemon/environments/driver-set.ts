import { PilothouseError } from '../../src-shared/error.ts'
import type { DriverDescription } from '../../src-shared/model/daemon.ts'
import type { DriverKind } from '../../src-shared/model/environment.ts'
import type { VmDriver } from '../drivers/vm-driver.ts'

/** The drivers of this host; the first is the default. */
export class DriverSet {
  private readonly drivers: readonly VmDriver[]

  constructor(drivers: readonly VmDriver[]) {
    if (drivers.length === 0) throw new Error('The daemon needs at least one driver')
    this.drivers = drivers
  }

  /** Throws `invalid_request` for a driver that this host does not have. */
  choose(kind: DriverKind | undefined): VmDriver {
    const chosen = this.drivers.find((driver) => kind === undefined || driver.kind === kind)
    if (chosen !== undefined) return chosen
    const known = this.drivers.map((driver) => driver.kind).join(', ')
    throw new PilothouseError('invalid_request', `driver: this host has ${known}.`, { details: { field: 'driver' } })
  }

  /** The driver that an environment was made with. Throws `engine_failed` when the host no longer has it. */
  of(environment: { readonly driver: DriverKind }): VmDriver {
    const driver = this.drivers.find(({ kind }) => kind === environment.driver)
    if (driver !== undefined) return driver
    throw new PilothouseError('engine_failed', `This daemon runs without the driver ${environment.driver}.`)
  }

  describe(signal: AbortSignal): Promise<DriverDescription[]> {
    return Promise.all(this.drivers.map((driver) => driver.describe(signal)))
  }
}
