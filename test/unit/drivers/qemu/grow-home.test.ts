import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { growHome, mendCutOffGrowth } from '../../../../host-daemon/drivers/qemu/grow-home.ts'
import { createHome, lendHome } from '../../../../host-daemon/drivers/qemu/homes.ts'
import { runProgram } from '../../../../host-daemon/system/child.ts'
import { SystemClock } from '../../../../host-daemon/system/clock.ts'
import { environmentIdSchema, homeIdSchema } from '../../../../src-shared/model/ids.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

const HOME = homeIdSchema.parse('home-0000000000000001')
const GUEST = { homeId: HOME, environmentId: environmentIdSchema.parse('env-00000001'), uid: 200_000 }
const TEXT = 'what somebody wrote'
const LARGE_MIB = 12 * 1024
const SEED = 20_261_121
const never = new AbortController().signal

describe('growing a home', () => {
  let homesDirectory = ''
  const folder = () => ({ homesDirectory, clock: new SystemClock() })
  const image = () => join(homesDirectory, `${HOME}.img`)
  const run = (file: string, args: string[]) => runProgram({ file, args: [...args, image()], timeoutMs: 20_000 })
  const debugfs = (...args: string[]) => run('debugfs', args)
  const grow = (sizeMiB: number, signal = never) => growHome(folder(), { homeId: HOME, sizeMiB }, signal)
  const sidecar = async () =>
    JSON.parse(await readFile(join(homesDirectory, `${HOME}.json`), 'utf8')) as Record<string, unknown>
  const setGrowing = async () =>
    writeFile(join(homesDirectory, `${HOME}.json`), JSON.stringify({ ...(await sidecar()), isGrowing: true }))

  beforeEach(async () => {
    homesDirectory = await mkdtemp(join(tmpdir(), 'pilothouse-homes-'))
    await chmod(homesDirectory, 0o711)
    await createHome(folder(), { homeId: HOME, sizeMiB: 64 }, never)
    await lendHome(folder(), GUEST)
    await writeFile(join(homesDirectory, 'text'), TEXT)
    await debugfs('-w', '-R', `write ${join(homesDirectory, 'text')} note`)
  })
  afterEach(() => rm(homesDirectory, { recursive: true, force: true }))

  const note = async () => (await debugfs('-R', 'cat note')).stdout.toString()
  async function sizeMiB(): Promise<number> {
    const facts = (await run('dumpe2fs', ['-h'])).stdout.toString()
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(facts)?.[1])
    return (field('Block count') * field('Block size')) / 1024 / 1024
  }
  /** What a resize that was killed leaves: bookkeeping that -p does not dare to put right. */
  const damage = () => debugfs('-w', '-R', 'clri <7>')

  it('makes file and file system larger with what is in it, stays sparse, and keeps owner and note true', async () => {
    await grow(512)
    expect([await sizeMiB(), await note()]).toEqual([512, TEXT])
    const file = await stat(image())
    expect([file.size, file.uid, file.mode & 0o777]).toEqual([512 * 1024 * 1024, GUEST.uid, 0o600])
    expect(file.blocks * 512).toBeLessThan(file.size / 4)
    await run('e2fsck', ['-f', '-n'])
    expect(await sidecar()).toMatchObject({ sizeMiB: 512, environmentId: GUEST.environmentId, isGrowing: false })
  })

  it('never makes it smaller, and changes nothing when asked again', async () => {
    await grow(128)
    await grow(128)
    await grow(64)
    expect([await sizeMiB(), (await stat(image())).size, await note()]).toEqual([128, 128 * 1024 * 1024, TEXT])
    expect(await sidecar()).toMatchObject({ sizeMiB: 128 })
  })

  it('replays the journal of a guest that was not stopped cleanly', async () => {
    await debugfs('-w', '-R', 'feature needs_recovery')
    await grow(128)
    expect([await sizeMiB(), await note()]).toEqual([128, TEXT])
  })

  it('fails where there is no home, or one that cannot be repaired, and leaves that as large as it was', async () => {
    const absent = growHome(folder(), { homeId: homeIdSchema.parse('home-00000000000000ff'), sizeMiB: 128 }, never)
    await expect(absent).rejects.toMatchObject({ reason: 'disk_failed', message: /it is not there/ })
    await damage()
    await expect(grow(128)).rejects.toMatchObject({ reason: 'disk_failed', message: /damaged, and cannot be repaired/ })
    expect((await stat(image())).size).toBe(64 * 1024 * 1024)
    expect(await sidecar()).toMatchObject({ sizeMiB: 64, isGrowing: false })
  })

  it('mends what its own cut-off has left, when it goes on and before a guest starts', async () => {
    await damage()
    await setGrowing()
    await mendCutOffGrowth(folder(), HOME, never)
    expect(await sidecar()).toMatchObject({ isGrowing: false })
    await run('e2fsck', ['-f', '-n'])
    await damage()
    await mendCutOffGrowth(folder(), HOME, never)
    await expect(grow(128)).rejects.toMatchObject({ reason: 'disk_failed' })
    await setGrowing()
    await grow(128)
    expect([await sizeMiB(), await note()]).toEqual([128, TEXT])
  })

  it(`loses nothing when it is killed in the middle, again and again (seed ${SEED})`, async () => {
    const { int } = seededRandom(SEED)
    for (let round = 0; round < 8; round += 1) {
      const reason = new Error('not wanted any more')
      const controller = new AbortController()
      const growing = grow(LARGE_MIB + round * 512, controller.signal)
      const timer = setTimeout(() => controller.abort(reason), int(60))
      const ended = await growing.then(
        () => 'grown',
        (error: unknown) => error,
      )
      clearTimeout(timer)
      if (ended !== 'grown') expect(ended).toBe(reason)
      await mendCutOffGrowth(folder(), HOME, never)
      await run('e2fsck', ['-f', '-n'])
      expect(await note()).toBe(TEXT)
    }
    await grow(LARGE_MIB * 2)
    expect([await sizeMiB(), await note()]).toEqual([LARGE_MIB * 2, TEXT])
  }, 60_000)
})
