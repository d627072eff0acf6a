import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runProgram } from '../../../host-daemon/system/child.ts'
import {
  growFile,
  hashFile,
  makeSparseFile,
  readHead,
  readHostileHead,
  readTail,
} from '../../../host-daemon/system/file-parts.ts'
import { ensureFolder, ensureFolderWithMode, makeEmptyFolder, namesIn } from '../../../host-daemon/system/folders.ts'
import { factsOf, isSameFile, isSeen, isThere } from '../../../host-daemon/system/presence.ts'
import { publishFolder } from '../../../host-daemon/system/publish-folder.ts'

let folder: string
const at = (name: string): string => join(folder, name)
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-parts-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

describe('a part of a file', () => {
  it('is as long as the file has it', async () => {
    await writeFile(at('file'), 'abcdef')
    expect(String(await readHead(at('file'), 4))).toBe('abcd')
    expect(String(await readHead(at('file'), 40))).toBe('abcdef')
    expect(String(await readTail(at('file'), 2))).toBe('ef')
    expect(String(await readTail(at('file'), 40))).toBe('abcdef')
    expect(await hashFile(at('file'))).toBe('bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721')
  })

  it('is not had of a link where a guest writes, nor waited for where it is a pipe', async () => {
    await writeFile(at('file'), 'abc')
    await symlink('file', at('link'))
    await runProgram({ file: 'mkfifo', args: ['--', at('pipe')], timeoutMs: 10_000 })
    expect(String(await readHostileHead(at('file'), 2))).toBe('ab')
    await expect(readHostileHead(at('link'), 2)).rejects.toThrow('ELOOP')
    await expect(hashFile(at('link'))).rejects.toThrow('ELOOP')
    await readHostileHead(at('pipe'), 2).catch(() => undefined)
  })
})

describe('a sparse file', () => {
  it('is empty but for its size, and grows without ever being shorter', async () => {
    await writeFile(at('disk'), 'old')
    const uid = process.getuid?.() ?? 0
    await makeSparseFile(at('disk'), { bytes: 1024 * 1024, uid })
    expect(await stat(at('disk'))).toMatchObject({ size: 1024 * 1024, blocks: 0, uid })
    await growFile(at('disk'), 10)
    expect((await stat(at('disk'))).size).toBe(1024 * 1024)
    await growFile(at('disk'), 2 * 1024 * 1024)
    expect((await stat(at('disk'))).size).toBe(2 * 1024 * 1024)
    await expect(growFile(at('none'), 1)).rejects.toThrow('ENOENT')
  })
})

describe('a folder', () => {
  it('keeps its mode, or gets the one that is wanted', async () => {
    await ensureFolder(at('a/b'), 0o700)
    await chmod(at('a/b'), 0o750)
    await ensureFolder(at('a/b'), 0o700)
    expect((await stat(at('a/b'))).mode & 0o777).toBe(0o750)
    await ensureFolderWithMode(at('a/b'), 0o711)
    expect((await stat(at('a/b'))).mode & 0o777).toBe(0o711)
  })

  it('is emptied with all that is in it, and has no names where it is absent', async () => {
    await mkdir(at('a/b'), { recursive: true })
    await writeFile(at('a/b/c'), '')
    await makeEmptyFolder(at('a'), 0o700)
    expect(await namesIn(at('a'))).toEqual([])
    expect(await namesIn(at('none'))).toEqual([])
    await writeFile(at('file'), '')
    await expect(namesIn(at('file'))).rejects.toThrow('ENOTDIR')
  })

  it('is published once, and never over anything', async () => {
    await mkdir(at('making'))
    await writeFile(at('making/file'), 'whole')
    await mkdir(at('taken'))
    expect(await publishFolder(at('making'), at('taken'))).toBe(false)
    expect((await readdir(folder)).sort()).toEqual(['making', 'taken'])
    expect(await publishFolder(at('making'), at('final'))).toBe(true)
    expect(await publishFolder(at('making'), at('final'))).toBe(true)
    expect(await readFile(at('final/file'), 'utf8')).toBe('whole')
  })
})

describe('what a look says of a path', () => {
  it('tells absent from a link to nothing, and from what cannot be looked at', async () => {
    await symlink('none', at('dangling'))
    await writeFile(at('file'), '')
    expect([await isThere(at('dangling')), await factsOf(at('dangling')), await isSeen(at('dangling'))]).toEqual([
      true,
      undefined,
      false,
    ])
    expect([await isThere(at('none')), await isSeen(at('file'))]).toEqual([false, true])
    await expect(isThere(at('file/below'))).rejects.toThrow('ENOTDIR')
    expect(await isSeen(at('file/below'))).toBe(false)
  })

  it('knows a file by another name', async () => {
    await writeFile(at('file'), '')
    await writeFile(at('other'), '')
    await symlink('file', at('link'))
    expect(await isSameFile(at('file'), at('link'))).toBe(true)
    expect(await isSameFile(at('file'), at('other'))).toBe(false)
    expect(await isSameFile(at('file'), at('none'))).toBe(false)
  })
})
