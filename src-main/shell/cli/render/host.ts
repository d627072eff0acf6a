import type { DaemonInfo, DriverDescription } from '../../../../src-shared/model/daemon.ts'
import type { KnownHost } from '../ports.ts'
import { facts, localTime, table } from './text.ts'

export function hostTable(hosts: readonly KnownHost[]): string {
  const rows = hosts.map(({ name, target, pinnedKey }) => [
    name,
    `${target.user === undefined ? '' : `${target.user}@`}${target.address}${target.port === undefined ? '' : ` port ${target.port}`}`,
    target.socketDirectory,
    pinnedKey === null ? 'not accepted yet' : pinnedKey.fingerprint,
  ])
  return table(['NAME', 'ADDRESS', 'SOCKETS', 'HOST KEY'], rows)
}

function driverWords({ kind, accelerator, unavailableReason }: DriverDescription): string {
  return unavailableReason === null
    ? `${kind}, ${accelerator.kind}: ${accelerator.reason}`
    : `${kind}, not usable: ${unavailableReason}`
}

export function daemonFacts(info: DaemonInfo): string {
  const { sizeLimit } = info
  return facts([
    ['host', info.hostName],
    ['version', `${info.version}, protocol ${info.protocol}`],
    ['you are', `${info.user} (uid ${info.uid}), ${info.role}`],
    ['started', localTime(info.startedAt)],
    ['now', localTime(info.now)],
    ...info.drivers.map((driver): [string, string] => ['driver', driverWords(driver)]),
    ['largest', `${sizeLimit.cpus} CPU, ${sizeLimit.memoryMiB} MiB, home ${sizeLimit.homeMiB} MiB`],
    ['recovery', info.isRecoveringAutomatically ? 'by itself, once per failure' : 'by hand alone'],
    ['can', info.capabilities.join(', ')],
  ])
}
