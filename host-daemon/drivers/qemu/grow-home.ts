import type { HomeId } from '../../../src-shared/model/ids.ts'
import { runProgram } from '../../system/child.ts'
import { growFile } from '../../system/file-parts.ts'
import { factsOf } from '../../system/presence.ts'
import { ProgramFailure } from '../../system/program-failure.ts'
import { DriverFailure } from '../vm-driver.ts'
import { homeImagePath } from './handles.ts'
import { freshSidecar, readSidecar, writeSidecar, type HomeFolder } from './homes.ts'
import { textOf } from './inspect-guest.ts'
import { DEADLINES } from './options.ts'
import { launchArguments } from './qemu-arguments.ts'

const MIB = 1024 * 1024
/** e2fsck: nothing was wrong, what was wrong is mended, and the latter with a remark for mounted file systems. */
const WHOLE = [0, 1, 2]

/**
 * See `VmDriver.growHome`. The file is made larger first and the file system after it, so that at every moment the file
 * system fits into its file. The note beside the home says that it is growing: where that is cut off, the file system
 * was whole before, nothing of its content is touched, and whoever comes next mends the rest without asking.
 */
export async function growHome(
  folder: HomeFolder,
  home: { readonly homeId: HomeId; readonly sizeMiB: number },
  signal: AbortSignal,
): Promise<void> {
  try {
    const image = await imageOf(folder, home.homeId)
    const sidecar = (await readSidecar(folder, home.homeId)) ?? freshSidecar(folder, home)
    await (sidecar.isGrowing ? mendGrowth(image, signal) : mendGuests(image, signal))
    await growFile(image.path, home.sizeMiB * MIB)
    await writeSidecar(folder, { ...sidecar, isGrowing: true })
    await run(image, { program: ['resize2fs', '--', image.path] }, signal)
    await writeSidecar(folder, { ...sidecar, isGrowing: false, sizeMiB: Math.max(sidecar.sizeMiB, home.sizeMiB) })
  } catch (error) {
    signal.throwIfAborted()
    throw new DriverFailure('disk_failed', `The home could not be grown: ${textOf(error)}`, { cause: error })
  }
}

/** Before a guest uses the home: what a cut-off growth has left half-done is put right. Rejects with `disk_failed`. */
export async function mendCutOffGrowth(folder: HomeFolder, homeId: HomeId, signal: AbortSignal): Promise<void> {
  const sidecar = await readSidecar(folder, homeId)
  if (sidecar?.isGrowing !== true) return
  try {
    await mendGrowth(await imageOf(folder, homeId), signal)
    await writeSidecar(folder, { ...sidecar, isGrowing: false })
  } catch (error) {
    signal.throwIfAborted()
    throw new DriverFailure('disk_failed', `The home could not be mended: ${textOf(error)}`, { cause: error })
  }
}

interface HomeImage {
  readonly path: string
  /** Of the guest that it was last lent to. */
  readonly uid: number
}

async function imageOf(folder: HomeFolder, homeId: HomeId): Promise<HomeImage> {
  const path = homeImagePath(folder.homesDirectory, homeId)
  const facts = await factsOf(path)
  if (facts === undefined) throw new Error('it is not there.')
  return { path, uid: facts.uid }
}

/** Replays the journal and repairs what loses nothing; anything else is left to people. */
async function mendGuests(image: HomeImage, signal: AbortSignal): Promise<void> {
  try {
    await run(image, { program: ['e2fsck', '-f', '-p', '--', image.path], expectedExits: WHOLE }, signal)
  } catch (error) {
    if (!(error instanceof ProgramFailure) || error.kind !== 'unexpected_exit') throw error
    throw new Error('its file system is damaged, and cannot be repaired without losing something.', { cause: error })
  }
}

/** The bookkeeping of blocks alone is half-done: -p would refuse to put it right, because it cannot know that. */
async function mendGrowth(image: HomeImage, signal: AbortSignal): Promise<void> {
  await run(image, { program: ['e2fsck', '-f', '-y', '--', image.path], expectedExits: WHOLE }, signal)
}

interface ToolRun {
  readonly program: readonly string[]
  readonly expectedExits?: readonly number[]
}

/** These programs read what a guest wrote: they run with no more rights than the guest's own process has. */
async function run({ uid }: HomeImage, { program, expectedExits = [0] }: ToolRun, signal: AbortSignal): Promise<void> {
  await runProgram({
    file: 'setpriv',
    args: launchArguments({ uid, group: undefined, diesWithDaemon: true }, program),
    expectedExits,
    timeoutMs: DEADLINES.homeProgramMs,
    signal,
  })
}
