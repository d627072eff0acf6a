import type { Clock } from '../../../src-shared/lib/clock.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import { startStopwatch } from '../../system/clock.ts'
import { isAlive, signalProcess, waitUntilGone } from '../../system/processes.ts'
import type { BootRecord, GuestProcess, StopDeadlines } from '../vm-driver.ts'
import { removeBootFiles } from './boot-files.ts'
import { findGuest } from './find-guest.ts'
import { handlesOf } from './handles.ts'
import { withMonitor } from './inspect-guest.ts'
import { DEADLINES } from './options.ts'
import type { Turns } from './turns.ts'

/** A guest that is still booting does not hear its power button yet: it is pressed again. */
const PRESS_AGAIN_MS = 1_000

export interface StopTools {
  readonly clock: Clock
  readonly turns: Turns
}

/** See `VmDriver.stopGuest`. */
export async function stopGuest(
  record: BootRecord,
  deadlines: StopDeadlines,
  tools: StopTools,
): Promise<'was_gone' | 'graceful' | 'forced'> {
  const process = await findGuest(record)
  const outcome = process === undefined ? 'was_gone' : await endProcess(record, { process, deadlines, tools })
  await removeBootFiles(handlesOf(record))
  return outcome
}

interface Ending {
  readonly process: GuestProcess
  readonly deadlines: StopDeadlines
  readonly tools: StopTools
}

async function endProcess(record: BootRecord, ending: Ending): Promise<'graceful' | 'forced'> {
  const { process, deadlines } = ending
  if (deadlines.graceMs > 0 && (await powersOff(record, ending))) return 'graceful'
  await signalProcess(process, 'SIGKILL')
  if (await waitUntilGone(process, { timeoutMs: deadlines.forceMs })) return 'forced'
  throw new PilothouseError('engine_failed', `The guest's process ${process.pid} was killed but has not ended.`, {
    hint: 'The host may be stuck on its disk; look at the process, then stop the environment again.',
    details: { pid: process.pid, startTicks: process.startTicks },
  })
}

/** Presses the power button until the guest is gone; false when the grace is over. */
async function powersOff(record: BootRecord, { process, deadlines, tools }: Ending): Promise<boolean> {
  const elapsedMs = startStopwatch(tools.clock)
  const leftMs = (): number => deadlines.graceMs - elapsedMs()
  for (let left = leftMs(); left > 0; left = leftMs()) {
    const timeoutMs = Math.ceil(Math.min(left, DEADLINES.qmpMs))
    // A monitor that refuses or is silent changes nothing: what counts is whether the process ends.
    await withMonitor(record, { ...tools, timeoutMs }, (monitor) => monitor.execute('system_powerdown')).catch(
      () => undefined,
    )
    const waitMs = Math.max(0, Math.min(PRESS_AGAIN_MS, leftMs()))
    if (await waitUntilGone(process, { timeoutMs: waitMs })) return true
  }
  return !(await isAlive(process))
}
