import { readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive, type ProcessIdentity } from '../../host-daemon/system/processes.ts'
import { removeHost } from './private-host.ts'

/** Folders of tests' hosts in the temporary folder; each names the process that answers for it. */
export const TEST_HOST_PREFIX = 'pilothouse-host-'
export const TEST_HOST_OWNER_FILE = 'owner.json'

async function isAbandoned(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, TEST_HOST_OWNER_FILE), 'utf8').catch(() => undefined)
  return text !== undefined && !(await isAlive(JSON.parse(text) as ProcessIdentity))
}

/** Removes test hosts whose test process has died before it could. Answers how many there were. */
export async function removeAbandonedTestHosts(): Promise<number> {
  const folders = (await readdir(tmpdir())).filter((name) => name.startsWith(TEST_HOST_PREFIX))
  let count = 0
  for (const folder of folders.map((name) => join(tmpdir(), name))) {
    if (!(await isAbandoned(folder))) continue
    await removeHost(folder)
    await rm(folder, { recursive: true, force: true })
    count++
  }
  return count
}
