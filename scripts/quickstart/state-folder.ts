import { chown, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { identifyProcess, isAlive, type ProcessIdentity } from '../../host-daemon/system/processes.ts'
import { readJsonRecord } from '../lib/json-record.ts'
import type { Teardown } from '../lib/teardown.ts'

const NAME = 'pilothouse-quickstart'
const RUNNING_FILE = 'running.json'
const processSchema = z.object({ pid: z.int(), startTicks: z.string() })

async function homeOfUid(uid: string): Promise<string | undefined> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n')
  return lines.find((line) => line.split(':')[2] === uid)?.split(':')[5]
}

/**
 * The one folder of quickstart: `PILOTHOUSE_QUICKSTART_DIR`, else below the home of the person who called (through
 * sudo too), else, for root itself, /var/lib/pilothouse-quickstart.
 */
export async function stateFolderPath(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const named = env['PILOTHOUSE_QUICKSTART_DIR']
  if (named !== undefined && named !== '') {
    if (!isAbsolute(named)) throw new Error(`PILOTHOUSE_QUICKSTART_DIR must be an absolute path, not "${named}".`)
    return named
  }
  if (process.getuid?.() !== 0) return join(homedir(), '.local', 'state', NAME)
  const caller = env['SUDO_UID']
  const home = caller === undefined || caller === '0' ? undefined : await homeOfUid(caller)
  return home === undefined ? join('/var/lib', NAME) : join(home, '.local', 'state', NAME)
}

/** Makes the folder for the caller. Others may pass through it: the window may be another user's. */
async function makeStateFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o755 })
  const [uid, gid] = [Number(process.env['SUDO_UID']), Number(process.env['SUDO_GID'])]
  if (first === undefined || process.getuid?.() !== 0 || !(uid > 0) || !(gid > 0)) return
  for (let folder = path; folder.length >= first.length; folder = join(folder, '..')) await chown(folder, uid, gid)
}

/** The quickstart that runs on the folder now, if one does. */
export async function runningQuickstart(folder: string): Promise<ProcessIdentity | undefined> {
  const identity = await readJsonRecord(join(folder, RUNNING_FILE), processSchema)
  if (identity === undefined) return undefined
  return (await isAlive(identity)) ? identity : undefined
}

/** Makes the folder and records us as the one quickstart that uses it. Rejects while another one does. */
export async function claimStateFolder(folder: string, teardown: Teardown): Promise<void> {
  const other = await runningQuickstart(folder)
  if (other !== undefined)
    throw new Error(`Quickstart is running already (process ${other.pid}). Close its window first.`)
  await makeStateFolder(folder)
  const file = join(folder, RUNNING_FILE)
  await rm(file, { force: true })
  await createWhole(file, JSON.stringify(await identifyProcess(process.pid)))
  teardown.defer('the record of this run', () => rm(file, { force: true }))
}

/** Makes the file with its whole content, or rejects where another has made it meanwhile. */
async function createWhole(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}`
  await writeFile(draft, text)
  try {
    await link(draft, file)
  } catch (error) {
    throw new Error('Quickstart was started twice at the same moment. Try again.', { cause: error })
  } finally {
    await rm(draft, { force: true })
  }
}
