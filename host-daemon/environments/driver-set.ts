import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { DriverDescription } from '../../src-shared/model/daemon.ts'
import type { DriverKind } from '../../src-shared/model/environment.ts'
import type { VmDriver } from '../drivers/vm-driver.ts'
import { withDeadline } from '../system/deadline.ts'

const DESCRIBE_MS = 5_000
const UNAVAILABLE_HINT = 'Remedy what the reason names on the host, or use another driver or host.'

/** The drivers of this host; the first is the default. */
export class DriverSet {
  private readonly drivers: readonly VmDriver[]
  private readonly usable = new Set<VmDriver>()

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

  /**
   * The driver that an environment was made with; for one whose record does not say, the default. Throws
   * `engine_failed` when the host no longer has it.
   */
  of(environment: { readonly driver: DriverKind; readonly quarantine?: string | null }): VmDriver {
    const driver = this.drivers.find(({ kind }) => kind === environment.driver)
    if (driver !== undefined) return driver
    const [first] = this.drivers
    if (first !== undefined && typeof environment.quarantine === 'string') return first
    throw new PilothouseError('engine_failed', `This daemon runs without the driver ${environment.driver}.`)
  }

  /**
   * Throws `engine_failed`, with the reason, for a driver that cannot start guests on this host now. One that was last
   * found usable is not asked again, and one that takes long to answer is not waited for: the start itself finds out.
   */
  async refuseUnavailable(driver: VmDriver, clock: Clock): Promise<void> {
    if (this.usable.has(driver)) return
    const options = { clock, deadlineMs: DESCRIBE_MS, onDeadline: () => new Error('The driver takes its time.') }
    const description = await withDeadline((signal) => this.ask(driver, signal), options).catch(() => undefined)
    const reason = description?.unavailableReason ?? null
    if (reason === null) return
    const message = `The driver ${driver.kind} cannot start guests on this host now: ${reason}`
    throw new PilothouseError('engine_failed', message, { hint: UNAVAILABLE_HINT, details: { driver: driver.kind } })
  }

  all(): readonly VmDriver[] {
    return this.drivers
  }

  describe(signal: AbortSignal): Promise<DriverDescription[]> {
    return Promise.all(this.drivers.map((driver) => this.ask(driver, signal)))
  }

  private async ask(driver: VmDriver, signal: AbortSignal): Promise<DriverDescription> {
    const description = await driver.describe(signal)
    if (description.unavailableReason === null) this.usable.add(driver)
    else this.usable.delete(driver)
    return description
  }
}
