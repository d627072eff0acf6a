import { PilothouseError } from '../../../src-shared/error.ts'
import { openPipeWriter } from '../../system/pipes.ts'
import type { BootRecord, ConsoleInput } from '../vm-driver.ts'
import { consoleInputPath, handlesOf } from './handles.ts'

/**
 * Opens the pipe that QEMU reads the console's input from. QEMU alone keeps the reading end open, so that a pipe
 * without a reader is a guest that is gone; any number of daemons can come and go on the other end.
 */
export async function openConsoleInput(record: BootRecord): Promise<ConsoleInput> {
  const pipe = await orGone(openPipeWriter(consoleInputPath(handlesOf(record))))
  return { write: (bytes) => orGone(pipe.write(bytes)), close: () => pipe.dispose() }
}

async function orGone<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer
  } catch (cause) {
    throw new PilothouseError('guest_gone', 'The guest is gone; nobody reads what is typed.', { cause })
  }
}
