import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { HomeTree, HomeTreeOptions } from '../../host-daemon/drivers/vm-driver.ts'
import { runProgram } from '../../host-daemon/system/child.ts'
import type { HomeId } from '../../src-shared/model/ids.ts'
import {
  failureOf,
  GUEST_TEST_MS,
  never,
  newHomeId,
  planGuest,
  QUICK_STOP,
  startAndWait,
  type DriverSubject,
  type DriverTraits,
} from './driver-subject.ts'

/** Homes that are filled before any guest has them, and trees of views. Registers the tests in the current block. */
export function describeFreshHome(subject: () => DriverSubject, traits: DriverTraits): void {
  const options = (signal = never): HomeTreeOptions => ({ folder: subject().roomFolder, signal })
  const views = { scratchDirectory: '', signal: never }
  const viewOptions = () => ({ ...views, scratchDirectory: subject().scratchDirectory })
  const madeHome = async (): Promise<HomeId> => {
    const homeId = newHomeId()
    await subject().driver.createHome(homeId, 64, never)
    return homeId
  }
  async function expectNoFreshHome(homeId: HomeId): Promise<void> {
    const { driver } = subject()
    expect(await failureOf(driver.fillHome(homeId, options(), fill))).toMatchObject({ reason: 'disk_failed' })
    expect(await failureOf(driver.verifyHome(homeId, options(), look))).toMatchObject({ reason: 'disk_failed' })
  }

  it('is seen to have room for homes', async () => {
    const bytes = await subject().driver.freeHomeBytes()
    expect(Number.isSafeInteger(bytes)).toBe(true)
    expect(bytes).toBeGreaterThan(0)
  })

  it(
    'is whole once it is filled, and seen in views before and after a guest has had it; then it is no fresh one',
    async () => {
      const { driver } = subject()
      const { spec, record } = await planGuest(subject())
      const { homeId } = spec
      expect(await driver.fillHome(homeId, options(), fill)).toBe('filled')
      await subject().expectNothingOpen()
      for (let round = 0; round < 2; round += 1)
        expect(await driver.verifyHome(homeId, options(), look)).toEqual(FILLED)
      await subject().expectNothingOpen()

      const viewed = async () => {
        const view = await driver.openHomeView(record, viewOptions())
        const tree = await driver.openViewTree(view, options())
        try {
          return await look(tree)
        } finally {
          await tree.close()
          await tree.close()
          await view.close()
        }
      }
      expect(await viewed()).toEqual(FILLED)
      await subject().expectNothingOpen()
      await startAndWait(driver, { spec, record }, traits)
      expect(await viewed()).toEqual(FILLED)
      await driver.stopGuest(record, QUICK_STOP)
      await expectNoFreshHome(homeId)
      expect(await viewed()).toEqual(FILLED)
      await subject().expectNothingOpen()
      await driver.destroyHome(homeId)
    },
    GUEST_TEST_MS,
  )

  it('is let go where the work fails or is not wanted, with its reason', async () => {
    const { driver } = subject()
    const homeId = await madeHome()
    const reason = new Error('not wanted any more')
    const fail = () => Promise.reject(reason)
    await expect(driver.fillHome(homeId, options(), fail)).rejects.toBe(reason)
    await expect(driver.verifyHome(homeId, options(), fail)).rejects.toBe(reason)
    const aborted = options(AbortSignal.abort(reason))
    await expect(driver.fillHome(homeId, aborted, fill)).rejects.toBe(reason)
    await expect(driver.verifyHome(homeId, aborted, look)).rejects.toBe(reason)
    await subject().expectNothingOpen()
    await driver.destroyHome(homeId)
    expect(await driver.inspectHome(homeId)).toEqual({ kind: 'absent' })
    await expectNoFreshHome(homeId)
  })

  it(
    'is open to nobody any more when its daemon is killed in the middle, and can be removed and made anew',
    async () => {
      const homeId = await madeHome()
      await subject().dieFilling(homeId)
      const restarted = await subject().restart()
      await restarted.destroyHome(homeId)
      await subject().expectNothingOpen()
      await restarted.createHome(homeId, 64, never)
      await restarted.fillHome(homeId, options(), fill)
      expect(await restarted.verifyHome(homeId, options(), look)).toEqual(FILLED)
      await subject().expectNothingOpen()
      await restarted.destroyHome(homeId)
    },
    GUEST_TEST_MS,
  )
}

const FILLED = { note: 'kept', copied: 'kept', seenByProgram: 'kept' }

async function fill(tree: HomeTree): Promise<string> {
  await mkdir(join(tree.path, 'folder'))
  await writeFile(join(tree.path, 'folder', 'note'), 'kept')
  await runIn(tree, ['cp', '--', 'folder/note', 'copied'])
  return 'filled'
}

async function look(tree: HomeTree): Promise<typeof FILLED> {
  const note = await readFile(join(tree.path, 'folder', 'note'), 'utf8')
  const copied = await readFile(join(tree.path, 'copied'), 'utf8')
  return { note, copied, seenByProgram: await runIn(tree, ['cat', 'folder/note']) }
}

async function runIn(tree: HomeTree, program: readonly string[]): Promise<string> {
  const [file, ...args] = tree.within(program)
  return (await runProgram({ file, args, timeoutMs: 10_000 })).stdout.toString()
}
