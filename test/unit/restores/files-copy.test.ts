import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { copyTree } from '../../../host-daemon/restores/files-copy.ts'
import { runProgram } from '../../../host-daemon/system/child.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-copy-'))
  await mkdir(join(folder, 'from'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('gives up where only folders are left to be finished', async () => {
  const giving = new AbortController()
  const options = { signal: giving.signal, onProgress: () => giving.abort(new Error('no more')) }
  // Behind its only file there are only its folders to be finished.
  await mkdir(join(folder, 'from', 'a', 'b'), { recursive: true })
  await writeFile(join(folder, 'from', 'a', 'b', 'last'), 'x')
  await expect(copyTree(join(folder, 'from'), join(folder, 'to'), options)).rejects.toThrow('no more')
})

it('tells a skipped pipe from a file that may be missing', async () => {
  const from = join(folder, 'from')
  await writeFile(join(from, 'kept.txt'), 'kept')
  await runProgram({ file: 'mkfifo', args: ['--', join(from, 'pipe')], timeoutMs: 10_000 })
  const { signal } = new AbortController()
  const copied = await copyTree(from, join(folder, 'to'), { signal, onProgress: () => undefined })
  expect(copied).toMatchObject({ files: 1, bytes: 4, skippedCount: 1, skippedFiles: 0 })
  expect(copied.skipped).toMatchObject([{ path: '/pipe' }])
})
