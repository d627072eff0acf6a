import { join } from 'node:path'
import { buildAll } from '../lib/build.ts'
import type { Teardown } from '../lib/teardown.ts'
import { findElectron, type ElectronRuntime } from '../window/electron-runtime.ts'
import { canReadProject, makeFolderOf, windowUser, type WindowUser } from '../window/user.ts'
import { ConsoleCli } from './console-cli.ts'
import { HostProcess } from './host-process.ts'
import type { Progress } from './progress.ts'
import { claimStateFolder } from './state-folder.ts'

/** This machine as a host that a console knows, and what a window for it can be. */
export interface Session {
  readonly folder: string
  readonly user: WindowUser
  readonly cli: ConsoleCli
  /** Of the host `local` in the console's list. */
  readonly hostId: string
  readonly electron: ElectronRuntime
}

async function usableUser(folder: string): Promise<WindowUser> {
  const user = await windowUser(folder)
  if (await canReadProject(user)) return user
  throw new Error(
    'The window runs as an ordinary user, who may not read these files. Run this as that user, or let others read them: chmod -R go+rX .',
  )
}

async function startHost(folder: string, user: WindowUser, progress: Progress): Promise<HostProcess> {
  progress.say('Making this machine a host: sshd on loopback, three logins, the daemon.')
  return HostProcess.start(folder, user, (text) => {
    progress.say(text)
  })
}

/** Builds, makes this machine a host and tells the console of it. What was begun is undone by `teardown`. */
export async function openSession(folder: string, progress: Progress, teardown: Teardown): Promise<Session> {
  await claimStateFolder(folder, teardown)
  const user = await usableUser(folder)
  progress.say('Building, where something has changed, and looking for Electron.')
  const electron = findElectron({ user, mayInstall: true })
  electron.catch(() => undefined)
  await progress.time('build', () => buildAll())
  const host = await progress.time('host', () => startHost(folder, user, progress))
  teardown.defer('the host', () => host.close())
  const data = join(user.home, 'console')
  await makeFolderOf(user, data)
  const cli = new ConsoleCli(user, data)
  const hostId = await progress.time('register', () => cli.register(host.access))
  return { folder, user, cli, hostId, electron: await electron }
}
