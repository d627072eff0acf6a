import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, readFile, type FileHandle } from 'node:fs/promises'

const CHUNK_BYTES = 1024 * 1024

/** A small file of the host's own, whole: not for what a guest may write, which may be of any size. */
export async function readText(path: string): Promise<string> {
  return await readFile(path, 'utf8')
}

/** At most so many bytes of the file's beginning; fewer where it is shorter. Rejects at once for a pipe. */
export async function readHead(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return await withOpen(file, (opened) => readUpTo(opened, { at: 0, bytes }))
}

/**
 * The same of a place that a guest may write to: whatever else it puts there, a link, a pipe, a flood, is not followed,
 * not waited for, and not read to its end. Rejects for a link.
 */
export async function readHostileHead(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  return await withOpen(file, (opened) => readUpTo(opened, { at: 0, bytes }))
}

/** At most so many bytes of the file's end. */
export async function readTail(path: string, bytes: number): Promise<Buffer> {
  return await withOpen(await open(path, 'r'), async (file) => {
    const { size } = await file.stat()
    const length = Math.min(size, bytes)
    return await readUpTo(file, { at: size - length, bytes: length })
  })
}

/** SHA-256 of a file's content, in hexadecimal; in bounded memory. Rejects for a link. */
export async function hashFile(path: string): Promise<string> {
  return await withOpen(await open(path, constants.O_RDONLY | constants.O_NOFOLLOW), async (file) => {
    const hash = createHash('sha256')
    const buffer = Buffer.alloc(CHUNK_BYTES)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES)
      if (bytesRead === 0) return hash.digest('hex')
      hash.update(buffer.subarray(0, bytesRead))
    }
  })
}

/** Makes a file of that user alone, without a single block of the disk; what was there is emptied first. */
export async function makeSparseFile(
  path: string,
  { bytes, uid }: { readonly bytes: number; readonly uid: number },
): Promise<void> {
  await withOpen(await open(path, 'w', 0o600), async (file) => {
    await file.truncate(bytes)
    await file.chown(uid, uid)
  })
}

/** The file is at least so large afterwards, sparse and durably; never shorter than it was. Rejects where it is absent. */
export async function growFile(path: string, bytes: number): Promise<void> {
  await withOpen(await open(path, 'r+'), async (file) => {
    if ((await file.stat()).size < bytes) await file.truncate(bytes)
    await file.sync()
  })
}

async function withOpen<T>(file: FileHandle, work: (file: FileHandle) => Promise<T>): Promise<T> {
  try {
    return await work(file)
  } finally {
    await file.close()
  }
}

async function readUpTo(
  file: FileHandle,
  { at, bytes }: { readonly at: number; readonly bytes: number },
): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, at)
  return buffer.subarray(0, bytesRead)
}
