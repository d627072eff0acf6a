import { basename } from 'node:path'
import { readHostileHead } from '../../system/file-parts.ts'
import { requireNamesIn } from '../../system/folders.ts'
import { identifyProcess, processArguments } from '../../system/processes.ts'
import type { BootRecord, GuestProcess } from '../vm-driver.ts'
import { handlesOf } from './handles.ts'

/**
 * The boot's own process, by positive evidence only: it was started with this boot's name. The pid file says where
 * to look first, and is believed no further, since the guest's uid writes it; without it every process is looked
 * at, so that one which has not written it yet is found too. Undefined: there is none. Throws when it cannot tell.
 */
export async function findGuest(record: BootRecord): Promise<GuestProcess | undefined> {
  const { pidFile, processName } = handlesOf(record)
  const hinted = await readPid(pidFile)
  const found = hinted === undefined ? undefined : await guestAt(hinted, processName)
  return found ?? (await searchAll(processName))
}

async function searchAll(processName: string): Promise<GuestProcess | undefined> {
  const pids = (await requireNamesIn('/proc')).filter((name) => /^[0-9]+$/.test(name)).map(Number)
  const found = await Promise.all(pids.map((pid) => guestAt(pid, processName)))
  return found.find((process) => process !== undefined)
}

async function guestAt(pid: number, processName: string): Promise<GuestProcess | undefined> {
  const before = await identifyProcess(pid)
  if (before === undefined || !isGuest(await processArguments(pid), processName)) return undefined
  // The same process before and after, or the arguments were another's.
  const after = await identifyProcess(pid)
  return after?.startTicks === before.startTicks ? after : undefined
}

function isGuest(args: readonly string[] | undefined, processName: string): boolean {
  return args !== undefined && guestName(args) === processName
}

/**
 * The name that a guest was started with, of QEMU or of the `setpriv` that is about to become it; undefined for
 * everything else, such as an editor or a search that only mentions the name.
 */
export function guestName(args: readonly string[]): string | undefined {
  const program = basename(args[0] ?? '')
  const isLauncher = program === 'setpriv' || program.startsWith('qemu-system-')
  return isLauncher && args.includes('-name') ? args[args.indexOf('-name') + 1] : undefined
}

const PID_BYTES = 16

/** The guest's uid owns the place. */
async function readPid(path: string): Promise<number | undefined> {
  try {
    const pid = Number.parseInt((await readHostileHead(path, PID_BYTES)).toString('latin1'), 10)
    return Number.isInteger(pid) && pid > 0 ? pid : undefined
  } catch {
    return undefined
  }
}
