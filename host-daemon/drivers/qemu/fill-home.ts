import { basename, dirname } from 'node:path'
import { homeIdSchema, type HomeId } from '../../../src-shared/model/ids.ts'
import { checkFreshHome, openFreshHome, withFreshHomeMounted } from '../../system/fresh-home.ts'
import { mountReadOnly } from '../../system/home-view.ts'
import { factsOf } from '../../system/presence.ts'
import { DriverFailure, type HomeTree, type HomeTreeOptions, type HomeView, type OpenHomeTree } from '../vm-driver.ts'
import { homeImagePath } from './handles.ts'
import { readSidecar, type HomeFolder } from './homes.ts'
import { textOf } from './inspect-guest.ts'

type Work<T> = (tree: HomeTree) => Promise<T>

/** What is done to which fresh home. */
export interface FreshHomeUse extends HomeTreeOptions {
  readonly homeId: HomeId
}

/** See `VmDriver.fillHome`. */
export async function fillHome<T>(folder: HomeFolder, use: FreshHomeUse, work: Work<T>): Promise<T> {
  return await blamingDisk({ use, doing: 'filled', work }, async (noted) => {
    return await withFreshHomeMounted(await freshImage(folder, use.homeId), use, noted)
  })
}

/** See `VmDriver.verifyHome`. */
export async function verifyHome<T>(folder: HomeFolder, use: FreshHomeUse, look: Work<T>): Promise<T> {
  return await blamingDisk({ use, doing: 'verified', work: look }, async (noted) => {
    const image = await freshImage(folder, use.homeId)
    await checkFreshHome(image, use.signal)
    const home = await openFreshHome(image, use)
    try {
      return await noted(home)
    } finally {
      await home.unmount()
    }
  })
}

/**
 * See `VmDriver.openViewTree`. A guest's home is read under the guest's uid. One that no guest has had yet is root's, and
 * there is no uid without rights that could read it; only we have written it, so that the kernel may.
 */
export async function openViewTree(
  folder: HomeFolder,
  { imagePath }: Pick<HomeView, 'imagePath'>,
  options: HomeTreeOptions,
): Promise<OpenHomeTree> {
  const open = (await isFresh(folder, imagePath)) ? openFreshHome : mountReadOnly
  const home = await open(imagePath, options)
  const { path, pathInside } = home
  return { path, pathInside, within: (program) => home.within(program), close: () => home.unmount() }
}

async function isFresh(folder: HomeFolder, imagePath: string): Promise<boolean> {
  const name = homeIdSchema.safeParse(basename(imagePath, '.img'))
  if (!name.success || dirname(imagePath) !== dirname(homeImagePath(folder.homesDirectory, name.data))) return false
  return (await whyNotFresh(folder, name.data)) === undefined
}

async function freshImage(folder: HomeFolder, homeId: HomeId): Promise<string> {
  const problem = await whyNotFresh(folder, homeId)
  if (problem !== undefined) throw new Error(problem)
  return homeImagePath(folder.homesDirectory, homeId)
}

/** The kernel mounts only what no guest can have written: both its owner and the note beside it must say so. */
async function whyNotFresh(folder: HomeFolder, homeId: HomeId): Promise<string | undefined> {
  const image = await factsOf(homeImagePath(folder.homesDirectory, homeId)).catch(() => undefined)
  if (image === undefined) return 'it is not there.'
  const sidecar = await readSidecar(folder, homeId)
  if (sidecar === undefined) return 'the note beside it cannot be read, so that a guest may have had it.'
  if (sidecar.environmentId !== null) return `the guest of ${sidecar.environmentId} has had it.`
  return image.uid === 0 ? undefined : `it belongs to uid ${image.uid}, so that a guest may have had it.`
}

interface Blame<T> {
  readonly use: FreshHomeUse
  /** Completes "The home could not be …". */
  readonly doing: string
  readonly work: Work<T>
}

/** What goes wrong in `work` is told as it is; everything else but an abort is the disk's failure. */
async function blamingDisk<T>({ use, doing, work }: Blame<T>, run: (noted: Work<T>) => Promise<T>): Promise<T> {
  let fromWork: { readonly error: unknown } | undefined
  const noted: Work<T> = async (tree) => {
    try {
      return await work(tree)
    } catch (error) {
      fromWork = { error }
      throw error
    }
  }
  try {
    return await run(noted)
  } catch (error) {
    if (fromWork?.error === error) throw error
    use.signal.throwIfAborted()
    const says = `The home ${use.homeId} could not be ${doing}: ${textOf(error)}`
    throw new DriverFailure('disk_failed', says, { cause: error })
  }
}
