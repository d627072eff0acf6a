import { close, constants, fstat, open } from 'node:fs'
import { Socket } from 'node:net'
import { promisify } from 'node:util'
import type { Disposable } from '../../src-shared/lib/disposable.ts'

/** The writing end of a named pipe. */
export interface PipeWriter extends Disposable {
  /**
   * Resolves when the kernel holds all of the bytes for the reader; in order. Rejects when the reader is gone, or
   * when disposed first.
   */
  write(bytes: Uint8Array): Promise<void>
}

const openDescriptor = promisify(open)
const statDescriptor = promisify(fstat)
const closeDescriptor = promisify(close)

/**
 * Opens a named pipe for writing. Rejects at once when nobody reads it, and when the path is anything but a pipe:
 * a link is not followed. A slow reader blocks neither a thread nor another pipe.
 */
export async function openPipeWriter(path: string): Promise<PipeWriter> {
  const descriptor = await openDescriptor(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  if (!(await statDescriptor(descriptor)).isFIFO()) {
    await closeDescriptor(descriptor)
    throw new Error(`${path} is not a named pipe.`)
  }
  return pipeWriter(new Socket({ fd: descriptor, readable: false, writable: true }))
}

function pipeWriter(socket: Socket): PipeWriter {
  let failure: Error | undefined
  socket.on('error', (error) => (failure = error))
  const writeWhole = (bytes: Uint8Array, settle: (error?: Error | null) => void): void => {
    if (socket.destroyed) settle(failure ?? new Error('The pipe is closed.'))
    else socket.write(bytes, settle)
  }
  return {
    write: (bytes) =>
      new Promise((resolve, reject) => writeWhole(bytes, (error) => (error ? reject(error) : resolve()))),
    dispose: () => socket.destroy(),
  }
}
