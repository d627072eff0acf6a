import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { PilothouseError } from '../../src-shared/error.ts'
import { writeFileAtomic } from '../system/files.ts'
import { identifyProcess, isAlive } from '../system/processes.ts'

const ownerSchema = z.object({ pid: z.int(), startTicks: z.string() })

/** A folder that belongs to one builder at a time, together with everything in it. */
export interface BuildFolder {
  readonly path: string
  /** Removes the folder and what is left in it. */
  release(): Promise<void>
}

/**
 * Takes the work folder for one image, with what a builder that was killed left in it removed. Rejects with
 * `operation_in_flight` while another builder lives.
 */
export async function takeBuildFolder(path: string, ownPid: number): Promise<BuildFolder> {
  const owner = await identifyProcess(ownPid)
  // Named and filled before it takes the place, so that a folder in the place always says whose it is.
  const candidate = `${path}.${ownPid}-${owner?.startTicks ?? '0'}`
  await rm(candidate, { recursive: true, force: true })
  await mkdir(candidate, { recursive: true, mode: 0o700 })
  await writeFileAtomic(join(candidate, 'owner.json'), JSON.stringify(owner))
  try {
    await claim(candidate, path)
  } catch (error) {
    await rm(candidate, { recursive: true, force: true })
    throw error
  }
  return { path, release: () => rm(path, { recursive: true, force: true }) }
}

async function claim(candidate: string, path: string): Promise<void> {
  if (await renamed(candidate, path)) return
  if (await hasLivingOwner(path)) throw new PilothouseError('operation_in_flight', 'This image is being built already.')
  await rm(path, { recursive: true, force: true })
  if (await renamed(candidate, path)) return
  throw new PilothouseError('operation_in_flight', 'This image is being built already.')
}

/** A rename onto a folder that is not empty is refused by the kernel: that is the lock. */
async function renamed(candidate: string, path: string): Promise<boolean> {
  try {
    await rename(candidate, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))
      return false
    throw error
  }
}

async function hasLivingOwner(path: string): Promise<boolean> {
  const text = await readFile(join(path, 'owner.json'), 'utf8').catch(() => '')
  const owner = ownerSchema.safeParse(parseJson(text))
  return owner.success && (await isAlive(owner.data))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
