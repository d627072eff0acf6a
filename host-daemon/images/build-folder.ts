import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import type { ImageRef } from '../../src-shared/model/ids.ts'
import { identifyProcess, isAlive } from '../system/processes.ts'

/** The name says whose folder it is: `.build-REF.PID-STARTTICKS`. */
const OWNED_NAME = /^\.build-(.+)\.([0-9]+)-([0-9]+)$/

/** A folder that belongs to one builder alone, together with everything in it. */
export interface BuildFolder {
  readonly path: string
  /** Removes the folder and what is left in it. */
  release(): Promise<void>
}

/**
 * Makes the work folder of this process for one image, and removes those of builders that are gone. Rejects with
 * `operation_in_flight` while this process builds that image already.
 */
export async function takeBuildFolder(parent: string, ref: ImageRef, ownPid: number): Promise<BuildFolder> {
  await removeAbandoned(parent)
  const owner = await identifyProcess(ownPid)
  const path = join(parent, `.build-${ref}.${ownPid}-${owner?.startTicks ?? '0'}`)
  try {
    await mkdir(path, { mode: 0o700 })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST')
      throw new PilothouseError('operation_in_flight', `${ref} is being built already.`)
    throw error
  }
  return { path, release: () => rm(path, { recursive: true, force: true }) }
}

async function removeAbandoned(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const [, , pid, startTicks] = OWNED_NAME.exec(name) ?? []
    if (pid === undefined || startTicks === undefined) continue
    if (!(await isAlive({ pid: Number(pid), startTicks })))
      await rm(join(parent, name), { recursive: true, force: true })
  }
}
