import { constants } from 'node:fs'
import { chmod, chown, mkdir, open, rm, symlink, writeFile } from 'node:fs/promises'
import type { Startup } from '../../../src-shared/model/startup.ts'
import { runProgram } from '../../system/child.ts'
import { unlessAbsent } from '../../system/presence.ts'
import type { BootRecord, BootSpec } from '../vm-driver.ts'
import { consoleInputPath, consoleOutputPath, handlesOf, startupArchivePath, type QemuHandles } from './handles.ts'
import { DEADLINES, type QemuDriverOptions } from './options.ts'
import { startupArchive } from './startup-archive.ts'

const SEARCHABLE = 0o711
/** Of what QEMU says. It says next to nothing, unless a guest makes it repeat itself. */
const OUTPUT_BYTES = 64 * 1024

/** The driver's own folders: anyone may pass through to what is theirs, no one may look around. */
export async function makeFolders(options: QemuDriverOptions): Promise<void> {
  for (const folder of [options.runDirectory, options.homesDirectory, options.journalDirectory]) {
    await mkdir(folder, { recursive: true, mode: SEARCHABLE })
    await chmod(folder, SEARCHABLE)
  }
}

/** Lays out one boot's folder and journal, the guest's own. What an earlier attempt at this boot left is replaced. */
export async function makeBootFiles(
  record: BootRecord,
  { guestUid: uid, startup }: Pick<BootSpec, 'guestUid' | 'startup'>,
  signal: AbortSignal,
): Promise<void> {
  const handles = handlesOf(record)
  await removeBootFiles(handles)
  await mkdir(handles.bootDirectory, { mode: 0o700 })
  await runProgram({
    file: 'mkfifo',
    args: ['-m', '0600', '--', consoleInputPath(handles)],
    timeoutMs: DEADLINES.programMs,
    signal,
  })
  await symlink('/dev/null', consoleOutputPath(handles))
  await makeJournal(record.journalPath, uid)
  await chown(consoleInputPath(handles), uid, uid)
  if (startup !== null) await writeStartup(startupArchivePath(handles), { startup, uid })
  await chown(handles.bootDirectory, uid, uid)
}

/** Its owner stays the daemon's: the guest's process may read it, and no one else. */
async function writeStartup(path: string, told: { readonly startup: Startup; readonly uid: number }): Promise<void> {
  await writeFile(path, startupArchive(told.startup), { mode: 0o600, flag: 'wx' })
  await chown(path, 0, told.uid)
  await chmod(path, 0o440)
}

/** Its bytes are never touched again by anyone but QEMU, which appends. */
async function makeJournal(path: string, uid: number): Promise<void> {
  const journal = await open(path, 'a', 0o600)
  try {
    await journal.chown(uid, uid)
  } finally {
    await journal.close()
  }
}

/** Everything the record names, but the journal and the home. Only for a boot whose process is gone. */
export async function removeBootFiles(handles: QemuHandles): Promise<void> {
  await rm(handles.bootDirectory, { recursive: true, force: true })
  await rm(handles.outputFile, { force: true })
}

/** Empties QEMU's output where there is too much of it; QEMU appends, and goes on. Nothing where it is absent. */
export async function boundOutput({ outputFile }: Pick<QemuHandles, 'outputFile'>): Promise<void> {
  try {
    const file = await open(outputFile, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      if ((await file.stat()).size > OUTPUT_BYTES) await file.truncate()
    } finally {
      await file.close()
    }
  } catch (error) {
    unlessAbsent(error)
  }
}
