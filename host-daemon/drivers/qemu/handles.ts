import { join } from 'node:path'
import type { BootRecord, BootSpec } from '../vm-driver.ts'
import type { QemuDriverOptions } from './options.ts'

/** Everything of one boot that has a name on the host and goes with it. A type, not an interface: it is stored as a plain record. */
export type QemuHandles = {
  /** Belongs to the guest's uid alone; holds everything below but the output. */
  readonly bootDirectory: string
  readonly pidFile: string
  readonly qmpSocket: string
  readonly agentSocket: string
  /** QEMU reads console input from `….in` and writes the output, which the journal has already, to `….out`. */
  readonly consolePipe: string
  /** What QEMU says on stderr: beside the journal, whose space is bounded, where a guest could make it say much. */
  readonly outputFile: string
  /** The value of QEMU's `-name`, by which the process is found without its pid file. */
  readonly processName: string
}

/** Longer paths do not fit into a unix socket's address. */
const SOCKET_PATH_LIMIT = 107

type Folders = Pick<QemuDriverOptions, 'runDirectory' | 'homesDirectory' | 'journalDirectory'>

type BootIds = Pick<BootSpec, 'environmentId' | 'bootId' | 'homeId'>

export function planBoot(spec: BootIds, folders: Folders): BootRecord {
  const { environmentId, bootId, homeId } = spec
  const bootDirectory = join(folders.runDirectory, bootId)
  const handles: QemuHandles = {
    bootDirectory,
    pidFile: join(bootDirectory, 'pid'),
    qmpSocket: join(bootDirectory, 'qmp'),
    agentSocket: join(bootDirectory, 'agent'),
    consolePipe: join(bootDirectory, 'console'),
    outputFile: join(folders.journalDirectory, `${bootId}.stderr`),
    processName: `pilothouse-${bootId}`,
  }
  if (Buffer.byteLength(handles.agentSocket) > SOCKET_PATH_LIMIT)
    throw new RangeError(`The run directory ${folders.runDirectory} is too long a path for the sockets in it.`)
  return { environmentId, bootId, homeId, journalPath: join(folders.journalDirectory, `${bootId}.log`), handles }
}

/** The record's handles, as this driver wrote them. Throws when they are another's. */
export function handlesOf(record: BootRecord): QemuHandles {
  const handle = (name: keyof QemuHandles): string => {
    const value = record.handles[name]
    if (value === undefined || value === '') throw new TypeError(`The record of ${record.bootId} has no ${name}.`)
    return value
  }
  return {
    bootDirectory: handle('bootDirectory'),
    pidFile: handle('pidFile'),
    qmpSocket: handle('qmpSocket'),
    agentSocket: handle('agentSocket'),
    consolePipe: handle('consolePipe'),
    outputFile: handle('outputFile'),
    processName: handle('processName'),
  }
}

export function homeImagePath(homesDirectory: string, homeId: string): string {
  return join(homesDirectory, `${homeId}.img`)
}

/** What the guest is told at its start. */
export function startupArchivePath(handles: QemuHandles): string {
  return join(handles.bootDirectory, 'startup')
}

export function consoleInputPath(handles: QemuHandles): string {
  return `${handles.consolePipe}.in`
}

export function consoleOutputPath(handles: QemuHandles): string {
  return `${handles.consolePipe}.out`
}
