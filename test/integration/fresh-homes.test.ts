import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHome } from '../../host-daemon/drivers/qemu/homes.ts'
import { homeImagePath } from '../../host-daemon/drivers/qemu/handles.ts'
import { runProgram } from '../../host-daemon/system/child.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import {
  checkFreshHome,
  openFreshHome,
  untilLetGo,
  withFreshHomeMounted,
  type MountedFreshHome,
} from '../../host-daemon/system/fresh-home.ts'
import { loopDeviceOf } from '../../host-daemon/system/mounts.ts'
import { never, newHomeId } from '../conformance/driver-subject.ts'
import { heldDaemon } from '../support/held-daemon.ts'
import { processesWith } from '../support/kill-points.ts'

describe('a fresh home', () => {
  let folder: string
  let imagePath: string
  beforeEach(async () => {
    folder = await mkdtemp('/tmp/pilothouse-fresh-')
    const homeId = newHomeId()
    imagePath = homeImagePath(folder, homeId)
    await createHome({ homesDirectory: folder, clock: new SystemClock() }, { homeId, sizeMiB: 64 }, never)
  })
  afterEach(async () => {
    expect(processesWith((words) => words.some((word) => word.includes(folder)))).toEqual([])
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(folder)
    await untilLetGo(imagePath, AbortSignal.timeout(5_000))
    await rm(folder, { recursive: true, force: true })
  })

  const options = () => ({ folder: join(folder, 'mounted'), signal: never })
  async function runIn(home: MountedFreshHome, program: readonly string[]): Promise<string> {
    const [file, ...args] = home.within(program)
    return (await runProgram({ file, args, timeoutMs: 10_000 })).stdout.toString()
  }
  async function catOf(name: string): Promise<string> {
    const { stdout } = await runProgram({ file: 'debugfs', args: ['-R', `cat ${name}`, imagePath], timeoutMs: 10_000 })
    return stdout.toString()
  }

  it('is filled by one program that works in it, seen by nobody else, and is whole afterwards', async () => {
    await writeFile(join(folder, 'note'), 'kept')
    const seen = await withFreshHomeMounted(imagePath, options(), async (home) => {
      await runIn(home, ['cp', join(folder, 'note'), 'note'])
      expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(folder)
      expect(await readFile(join(home.path, 'note'), 'utf8')).toBe('kept')
      return await runIn(home, ['pwd'])
    })
    expect(seen).toBe(`${join(folder, 'mounted', 'home')}\n`)
    await checkFreshHome(imagePath, never)
    expect(await catOf('note')).toBe('kept')
  })

  it('is let go where the work fails, with its reason', async () => {
    const reason = new Error('not wanted any more')
    await expect(withFreshHomeMounted(imagePath, options(), () => Promise.reject(reason))).rejects.toBe(reason)
    expect(await loopDeviceOf(imagePath)).toBeUndefined()
  })

  it('is read without being changed, and written to by nobody meanwhile', async () => {
    await withFreshHomeMounted(imagePath, options(), (home) => runIn(home, ['mkdir', 'folder']))
    const before = createHash('sha256')
      .update(await readFile(imagePath))
      .digest('hex')
    await checkFreshHome(imagePath, never)
    const home = await openFreshHome(imagePath, options())
    try {
      await expect(runIn(home, ['ls', 'folder'])).resolves.toBe('')
      await expect(runIn(home, ['touch', 'note'])).rejects.toThrow('Read-only file system')
      await expect(writeFile(join(home.path, 'note'), 'kept')).rejects.toThrow('EROFS')
      expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(folder)
    } finally {
      await home.unmount()
    }
    await home.unmount()
    expect(
      createHash('sha256')
        .update(await readFile(imagePath))
        .digest('hex'),
    ).toBe(before)
  })

  it('is found out where its file system is not whole', async () => {
    await withFreshHomeMounted(imagePath, options(), (home) => runIn(home, ['mkdir', 'folder']))
    await checkFreshHome(imagePath, never)
    await runProgram({ file: 'debugfs', args: ['-w', '-R', 'clri folder', imagePath], timeoutMs: 10_000 })
    await expect(checkFreshHome(imagePath, never)).rejects.toMatchObject({ code: 'engine_failed' })
  })

  it('is let go by the kernel when the keeper of its room is killed', async () => {
    const killed = withFreshHomeMounted(imagePath, options(), async () => {
      const device = (await loopDeviceOf(imagePath)) ?? ''
      expect(device).toMatch(/^\/dev\/loop/)
      for (const pid of await keepersOf(device)) process.kill(pid, 'SIGKILL')
    })
    await expect(killed).rejects.toThrow()
    expect(await loopDeviceOf(imagePath)).toBeUndefined()
  })

  it('is let go when the daemon is killed, with the program that worked in it', async () => {
    const daemon = await heldDaemon(join(folder, 'orders.json'), { what: 'hold_fresh_home', folder, imagePath })
    expect(await loopDeviceOf(imagePath)).toBeDefined()
    await daemon.kill()
    await untilLetGo(imagePath, AbortSignal.timeout(10_000))
    await withFreshHomeMounted(imagePath, options(), (home) => runIn(home, ['touch', 'note']))
  })
})

/** Processes that keep a namespace open in which that device is mounted. */
async function keepersOf(device: string): Promise<number[]> {
  const sleepers = processesWith((words) => words[0] === 'sleep' && words[1] === 'infinity')
  const tables = await Promise.all(
    sleepers.map(async (pid) => ({ pid, table: await readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => '') })),
  )
  return tables.filter(({ table }) => table.includes(` ${device} `)).map(({ pid }) => pid)
}
