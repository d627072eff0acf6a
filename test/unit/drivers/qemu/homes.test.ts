import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createHome, destroyHome, inspectHome, lendHome } from '../../../../host-daemon/drivers/qemu/homes.ts'
import { runProgram } from '../../../../host-daemon/system/child.ts'
import { SystemClock } from '../../../../host-daemon/system/clock.ts'
import { environmentIdSchema, homeIdSchema } from '../../../../src-shared/model/ids.ts'

const HOME = homeIdSchema.parse('home-0000000000000001')
const never = new AbortController().signal

describe('homes', () => {
  let homesDirectory = ''
  beforeEach(async () => {
    homesDirectory = await mkdtemp(join(tmpdir(), 'pilothouse-homes-'))
  })
  afterEach(() => rm(homesDirectory, { recursive: true, force: true }))

  const folder = () => ({ homesDirectory, clock: new SystemClock() })
  const image = () => join(homesDirectory, `${HOME}.img`)
  const sidecar = async (): Promise<unknown> => JSON.parse(await readFile(join(homesDirectory, `${HOME}.json`), 'utf8'))
  /** As a daemon leaves it that is killed while it writes. */
  const leaveHalfSidecar = () => writeFile(join(homesDirectory, `.${HOME}.json.tmp`), '{ half')
  const check = () => runProgram({ file: 'e2fsck', args: ['-f', '-n', image()], timeoutMs: 10_000 })

  it.each([16, 64, 2048])('are sparse, whole file systems of the size asked for: %i MiB', async (sizeMiB) => {
    await createHome(folder(), { homeId: HOME, sizeMiB }, never)
    const file = await stat(image())
    expect(file.size).toBe(sizeMiB * 1024 * 1024)
    expect(file.mode & 0o777).toBe(0o600)
    const { kind, ...facts } = await inspectHome(folder(), HOME)
    expect(kind).toBe('present')
    expect(facts).toEqual({ bytes: file.blocks * 512 })
    expect(file.blocks * 512).toBeLessThan(file.size / 4)
    await check()
    expect(await sidecar()).toMatchObject({ format: 1, homeId: HOME, environmentId: null, sizeMiB })
  })

  it('replace a half-made one, and make up for a missing sidecar', async () => {
    await writeFile(`${image()}.making`, 'half of an older attempt')
    await leaveHalfSidecar()
    await createHome(folder(), { homeId: HOME, sizeMiB: 16 }, never)
    await check()
    await rm(join(homesDirectory, `${HOME}.json`))
    const { ino } = await stat(image())
    await createHome(folder(), { homeId: HOME, sizeMiB: 16 }, never)
    expect((await stat(image())).ino).toBe(ino)
    expect((await readdir(homesDirectory)).sort()).toEqual([`${HOME}.img`, `${HOME}.json`])
  })

  it('are not called gone while their folder is away', async () => {
    await createHome(folder(), { homeId: HOME, sizeMiB: 16 }, never)
    const away = `${homesDirectory}.away`
    await rename(homesDirectory, away)
    await expect(inspectHome(folder(), HOME)).rejects.toThrow('ENOENT')
    await rename(away, homesDirectory)
    expect(await inspectHome(folder(), HOME)).toMatchObject({ kind: 'present' })
  })

  it("are noted as the environment's when lent, and leave nothing when destroyed", async () => {
    await createHome(folder(), { homeId: HOME, sizeMiB: 16 }, never)
    const environmentId = environmentIdSchema.parse('env-00000001')
    await lendHome(folder(), { homeId: HOME, environmentId, uid: 200_000 })
    expect(await sidecar()).toMatchObject({ environmentId })
    expect((await stat(image())).uid).toBe(200_000)
    await leaveHalfSidecar()
    await destroyHome(folder(), HOME)
    expect(await readdir(homesDirectory)).toEqual([])
    await expect(lendHome(folder(), { homeId: HOME, environmentId, uid: 200_000 })).rejects.toMatchObject({
      reason: 'disk_failed',
    })
  })

  it('fail with disk_failed, and leave nothing, where they cannot be made', async () => {
    const making = createHome(folder(), { homeId: HOME, sizeMiB: 0 }, never)
    await expect(making).rejects.toMatchObject({ reason: 'disk_failed' })
    expect(await readdir(homesDirectory)).toEqual([])
  })
})
