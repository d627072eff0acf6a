import { createServer } from 'node:net'
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { homeImagePath } from '../../host-daemon/drivers/qemu/handles.ts'
import { createHome } from '../../host-daemon/drivers/qemu/homes.ts'
import { copyTree } from '../../host-daemon/restores/files-copy.ts'
import { findIdentity, removeIdentity } from '../../host-daemon/restores/identity.ts'
import { runProgram } from '../../host-daemon/system/child.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { openFreshHome, untilLetGo, withFreshHomeMounted } from '../../host-daemon/system/fresh-home.ts'
import { renameToNew } from '../../host-daemon/system/rename-new.ts'
import { never, newHomeId } from '../conformance/driver-subject.ts'

const MIB = 1024 * 1024
const NOT_TEXT = Buffer.concat([Buffer.from('not-text-'), Buffer.from([0xff, 0xfe, 0x80])])
const LONGEST = 'é'.repeat(127) + 'x'
const CONTROL = 'a\u001b]0;title\u0007\nb\\ "c"'
const LONG_AGO = new Date('2001-02-03T04:05:06.000Z')

/** What a hostile guest may have left in its home. */
async function makeHostile(root: string): Promise<void> {
  const at = (...names: string[]): string => join(root, ...names)
  await mkdir(at('folder', 'deeper'), { recursive: true })
  await writeFile(at('folder', 'deeper', 'plain'), 'plain')
  await writeFile(at('setuid'), '#!/bin/sh\n')
  await chmod(at('setuid'), 0o6755)
  await chown(at('setuid'), 1000, 1000)
  await mkdir(at('sticky'), { mode: 0o700 })
  await chmod(at('sticky'), 0o3777)
  await writeFile(at(CONTROL), 'control')
  await writeFile(at(LONGEST), 'longest')
  await writeFile(Buffer.concat([Buffer.from(`${root}/`), NOT_TEXT]), 'not text')
  await symlink('/etc/passwd', at('to-passwd'))
  await symlink('../../../../../../etc', at('to-etc'))
  await symlink('to-etc', at('chain'))
  await symlink('nowhere', at('dangling'))
  await link(at('folder', 'deeper', 'plain'), at('hard-link'))
  for (const [name = '', ...kind] of [
    ['fifo', 'p'],
    ['disk', 'b', '7', '0'],
    ['memory', 'c', '1', '1'],
  ])
    await runProgram({ file: 'mknod', args: [at(name), ...kind], timeoutMs: 5_000 })
  const sparse = await open(at('sparse'), 'w')
  await sparse.write(Buffer.from('end'), 0, 3, 32 * MIB - 3)
  await sparse.close()
  await mkdir(at('closed'))
  await writeFile(at('closed', 'inside'), 'inside')
  await chmod(at('closed', 'inside'), 0)
  await chmod(at('closed'), 0)
  await utimes(at('folder', 'deeper', 'plain'), LONG_AGO, LONG_AGO)
  await utimes(at('folder', 'deeper'), LONG_AGO, LONG_AGO)
}

/** A socket of that very place; its path is too long to be bound by its name. */
async function makeSocket(root: string): Promise<void> {
  const short = await mkdtemp('/tmp/ph-socket-')
  const server = createServer()
  try {
    await symlink(root, join(short, 'tree'))
    await new Promise<void>((resolve) => server.listen(join(short, 'tree', 'socket'), resolve))
    await runProgram({ file: 'ln', args: [join(root, 'socket'), join(root, 'socket-kept')], timeoutMs: 5_000 })
  } finally {
    await new Promise((resolve) => server.close(resolve))
    await rm(short, { recursive: true, force: true })
  }
}

describe('files of a hostile home, on a real file system', () => {
  let folder: string
  let imagePath: string
  const out = () => join(folder, 'out')
  const options = () => ({ folder: join(folder, 'mounted'), signal: never })
  const copyOptions = { signal: never, onProgress: () => undefined }
  const outside = async () => (await readdir(folder)).filter((name) => name !== 'out').sort()

  beforeEach(async () => {
    folder = await mkdtemp('/tmp/pilothouse-restored-')
    const homeId = newHomeId()
    imagePath = homeImagePath(folder, homeId)
    await createHome({ homesDirectory: folder, clock: new SystemClock() }, { homeId, sizeMiB: 64 }, never)
    await withFreshHomeMounted(imagePath, options(), async ({ path }) => {
      await makeHostile(path)
      await makeSocket(path)
    })
  })
  afterEach(async () => {
    await untilLetGo(imagePath, AbortSignal.timeout(10_000))
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(folder)
    await rm(folder, { recursive: true, force: true })
  })

  async function copied() {
    const home = await openFreshHome(imagePath, options())
    try {
      return await copyTree(home.path, out(), copyOptions)
    } finally {
      await home.unmount()
    }
  }

  it('arrive as plain files, folders and links, and nothing is written anywhere else', async () => {
    const before = await outside()
    const passwd = await readFile('/etc/passwd')
    const { files, bytes, skipped, skippedCount } = await copied()
    expect(await outside()).toEqual(before)
    expect(await readFile('/etc/passwd')).toEqual(passwd)
    expect(Object.fromEntries(skipped.map(({ path, why }) => [path, why.split(';')[0]]))).toEqual({
      '/fifo': 'It is a FIFO',
      '/disk': 'It is a device',
      '/memory': 'It is a device',
      '/socket-kept': 'It is a socket',
    })
    expect(skippedCount).toBe(4)
    expect(files).toBe(8)
    expect(bytes).toBe(32 * MIB + 'plain'.length * 2 + '#!/bin/sh\n'.length + 'controllongestnot textinside'.length)
  })

  it('keep their names byte for byte, their times and their plain rights alone', async () => {
    await copied()
    const names = (await readdir(out(), { encoding: 'buffer' })).map((name) => name.toString('hex'))
    for (const name of [Buffer.from(CONTROL), Buffer.from(LONGEST), NOT_TEXT])
      expect(names).toContain(name.toString('hex'))
    expect(await readFile(Buffer.concat([Buffer.from(`${out()}/`), NOT_TEXT]), 'utf8')).toBe('not text')
    const setuid = await stat(join(out(), 'setuid'))
    expect([setuid.mode & 0o7777, setuid.uid, setuid.gid]).toEqual([0o755, 0, 0])
    expect((await stat(join(out(), 'sticky'))).mode & 0o7777).toBe(0o777)
    expect((await stat(join(out(), 'closed'))).mode & 0o7777).toBe(0)
    expect(await readFile(join(out(), 'closed', 'inside'), 'utf8')).toBe('inside')
    expect((await stat(out())).mode & 0o7777).toBe(0o700)
    expect((await stat(join(out(), 'folder/deeper/plain'))).mtime).toEqual(LONG_AGO)
    expect((await stat(join(out(), 'folder/deeper'))).mtime).toEqual(LONG_AGO)
    expect((await stat(join(out(), 'sparse'))).blocks * 512).toBeLessThan(2 * MIB)
  })

  it('arrive as the links that they are, and hard-linked ones as files of their own', async () => {
    await copied()
    expect(await readlink(join(out(), 'to-passwd'))).toBe('/etc/passwd')
    expect(await readlink(join(out(), 'to-etc'))).toBe('../../../../../../etc')
    expect(await readlink(join(out(), 'chain'))).toBe('to-etc')
    expect(await readlink(join(out(), 'dangling'))).toBe('nowhere')
    const twin = await lstat(join(out(), 'hard-link'))
    expect([twin.isFile(), twin.nlink]).toEqual([true, 1])
  })

  it('are given up in the middle of a file', async () => {
    const home = await openFreshHome(imagePath, options())
    const giving = new AbortController()
    const onProgress = ({ doneBytes }: { readonly doneBytes: number }): void => {
      if (doneBytes > MIB) giving.abort(new Error('given up'))
    }
    try {
      const copying = copyTree(home.path, out(), { signal: giving.signal, onProgress })
      await expect(copying).rejects.toThrow('given up')
    } finally {
      await home.unmount()
    }
    // The daemon removes such a folder; its names must not keep it from that.
    await rm(out(), { recursive: true })
    expect(await readdir(folder)).not.toContain('out')
  })

  it('are never copied into a folder that is there', async () => {
    await mkdir(out())
    await expect(copied()).rejects.toThrow('EEXIST')
    expect(await readdir(out())).toEqual([])
  })

  it('get their folder name only where nothing has it', async () => {
    await mkdir(out())
    await mkdir(join(folder, 'taken'))
    await symlink('/nowhere', join(folder, 'dangling'))
    expect(await renameToNew(out(), join(folder, 'taken'))).toBe(false)
    expect(await renameToNew(out(), join(folder, 'dangling'))).toBe(false)
    expect(await renameToNew(out(), join(folder, 'free'))).toBe(true)
    expect(await readdir(folder)).toContain('free')
    await expect(renameToNew(out(), join(folder, 'more'))).rejects.toThrow('could not be renamed')
  })

  it('lose no identity but their own: a link out of the home is not followed', async () => {
    const bait = join(folder, 'bait')
    await mkdir(join(bait, 'ssh'), { recursive: true })
    await writeFile(join(bait, 'ssh', 'ssh_host_rsa_key'), 'of the host')
    await writeFile(join(bait, 'machine-id'), 'of the host')
    const left = await withFreshHomeMounted(imagePath, options(), async ({ path }) => {
      await symlink(bait, join(path, 'etc'))
      await symlink(join(bait, 'machine-id'), join(path, '.machine-id'))
      const found = await findIdentity(path, ['.machine-id', 'etc/machine-id', 'etc/ssh/ssh_host_*'], never)
      await removeIdentity(path, found)
      expect(found.map(String)).toEqual(['.machine-id'])
      return await readdir(path)
    })
    expect(left).toContain('etc')
    expect(left).not.toContain('.machine-id')
    expect(await readFile(join(bait, 'ssh', 'ssh_host_rsa_key'), 'utf8')).toBe('of the host')
    expect(await readFile(join(bait, 'machine-id'), 'utf8')).toBe('of the host')
  })
})
