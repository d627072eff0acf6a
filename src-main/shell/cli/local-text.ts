import { open, type FileHandle } from 'node:fs/promises'
import { usageError } from './usage-error.ts'

export interface LocalText {
  readonly text: string
  /** Whether its owner may execute it. */
  readonly isExecutable: boolean
}

interface Wanted {
  /** Where it was said, such as `--file etc/motd`. */
  readonly place: string
  readonly maxBytes: number
}

/**
 * A file of this machine as text, at most `maxBytes` of it ever in memory. Throws a usage error that names the file and
 * never shows its content: one that cannot be read, is too long, is not UTF-8 or holds a NUL.
 */
export async function localText(path: string, { place, maxBytes }: Wanted): Promise<LocalText> {
  const refuse = (why: string) => usageError(`${place}: the file ${path} ${why}.`)
  const { bytes, mode } = await contentOf(path, maxBytes + 1).catch((error: unknown) => {
    throw refuse(`cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  })
  if (bytes.length > maxBytes) throw refuse(`is longer than ${maxBytes} bytes`)
  if (bytes.includes(0)) throw refuse('contains NUL; only text can be handed over')
  try {
    return {
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
      isExecutable: (mode & 0o100) !== 0,
    }
  } catch {
    throw refuse('is not UTF-8 text')
  }
}

async function contentOf(path: string, maxBytes: number): Promise<{ bytes: Buffer; mode: number }> {
  const handle = await open(path)
  try {
    const { mode } = await handle.stat()
    return { bytes: await firstBytes(handle, maxBytes), mode }
  } finally {
    await handle.close()
  }
}

/** Works for pipes too, such as a shell's `<(…)`. */
async function firstBytes(handle: FileHandle, count: number): Promise<Buffer> {
  const buffer = Buffer.alloc(count)
  let length = 0
  while (length < count) {
    const { bytesRead } = await handle.read(buffer, length, count - length, null)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.subarray(0, length)
}
