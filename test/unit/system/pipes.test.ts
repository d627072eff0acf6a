import { constants } from 'node:fs'
import { mkdtemp, open, rm, symlink, writeFile, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runProgram } from '../../../host-daemon/system/child.ts'
import { openPipeWriter } from '../../../host-daemon/system/pipes.ts'

describe('openPipeWriter', () => {
  let folder = ''
  let path = ''
  let reader: FileHandle | undefined
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-pipes-'))
    path = join(folder, 'pipe')
    await runProgram({ file: 'mkfifo', args: [path], timeoutMs: 5_000 })
  })
  afterEach(async () => {
    await reader?.close()
    reader = undefined
    await rm(folder, { recursive: true, force: true })
  })
  const startReader = async (): Promise<FileHandle> =>
    (reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK))

  it('refuses at once a pipe that nobody reads, a file, and a link', async () => {
    await expect(openPipeWriter(path)).rejects.toMatchObject({ code: 'ENXIO' })
    await writeFile(join(folder, 'file'), '')
    await expect(openPipeWriter(join(folder, 'file'))).rejects.toThrow('is not a named pipe')
    await startReader()
    await symlink(path, join(folder, 'link'))
    await expect(openPipeWriter(join(folder, 'link'))).rejects.toMatchObject({ code: 'ELOOP' })
  })

  it('keeps order and every byte past a slow reader, and says when all is taken', async () => {
    const slow = await startReader()
    const writer = await openPipeWriter(path)
    const chunks = Array.from({ length: 40 }, (_, index) => Buffer.alloc(10_000, index))
    let taken = 0
    const writes = chunks.map((chunk) => writer.write(chunk).then(() => (taken += 1)))
    await writes[0]
    expect(taken).toBeLessThan(chunks.length)
    const read: Buffer[] = []
    for (let bytes = 0; bytes < 400_000;) {
      const { bytesRead, buffer } = await slow
        .read(Buffer.alloc(65_536))
        .catch(() => ({ bytesRead: 0, buffer: Buffer.alloc(0) }))
      read.push(buffer.subarray(0, bytesRead))
      bytes += bytesRead
    }
    await Promise.all(writes)
    expect(Buffer.concat(read).equals(Buffer.concat(chunks))).toBe(true)
    writer.dispose()
  })

  it('rejects what was not taken when the reader leaves, when disposed, and ever after', async () => {
    await startReader()
    const left = await openPipeWriter(path)
    // Expected before the reader leaves: the rejection may come while its end is awaited.
    const waiting = expect(left.write(Buffer.alloc(1_000_000))).rejects.toMatchObject({ code: 'EPIPE' })
    await reader!.close()
    reader = undefined
    await waiting
    await expect(left.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'EPIPE' })
    await startReader()
    const disposed = await openPipeWriter(path)
    const unheard = disposed.write(Buffer.alloc(1_000_000))
    disposed.dispose()
    await expect(unheard).rejects.toThrow()
    await expect(disposed.write(Buffer.from('x'))).rejects.toThrow('The pipe is closed.')
  })
})
