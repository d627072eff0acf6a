import { mkdtemp, lstat, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { cpioArchive, type CpioEntry } from '../../../host-daemon/images/cpio.ts'
import { runProgram } from '../../../host-daemon/system/child.ts'

const ENTRIES: CpioEntry[] = [
  { kind: 'directory', path: 'etc', mode: 0o755 },
  { kind: 'file', path: 'etc/odd', mode: 0o644, content: Buffer.from('12345') },
  { kind: 'file', path: 'init', mode: 0o755, content: Buffer.from('#!/bin/sh\n') },
  { kind: 'link', path: 'sh', target: 'bin/busybox' },
]

describe('cpioArchive', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-cpio-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('makes an archive that cpio unpacks to the same files, modes and links', async () => {
    await runProgram({
      file: 'cpio',
      args: ['--extract', '--quiet', '--no-absolute-filenames', '--no-preserve-owner'],
      stdin: cpioArchive(ENTRIES),
      workingDirectory: folder,
      timeoutMs: 5000,
    })
    expect(await readFile(join(folder, 'etc/odd'), 'utf8')).toBe('12345')
    expect((await lstat(join(folder, 'init'))).mode & 0o777).toBe(0o755)
    expect((await lstat(join(folder, 'etc'))).isDirectory()).toBe(true)
    expect(await readlink(join(folder, 'sh'))).toBe('bin/busybox')
  })

  it('makes equal bytes of equal entries', () => {
    expect(cpioArchive(ENTRIES)).toEqual(cpioArchive(structuredClone(ENTRIES)))
  })
})
