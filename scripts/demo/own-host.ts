import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hostTargetSchema } from '../../src-shared/model/host.ts'
import { hostNameSchema } from '../../src-shared/model/ids.ts'
import { rootPrefix } from '../lib/become-root.ts'
import { buildAll } from '../lib/build.ts'
import { run } from '../lib/run.ts'
import type { Teardown } from '../lib/teardown.ts'
import { hostLayout } from '../private-host/layout.ts'
import { cleanHost, HostProcess } from '../quickstart/host-process.ts'
import type { Progress } from '../quickstart/progress.ts'
import { openConsoleOf } from './console-of.ts'
import type { DemoPlace } from './recovery.ts'

const NAME = hostNameSchema.parse('demo')
const KEY_DEADLINE_MS = 10_000
const KILL_DEADLINE_MS = 10_000

/**
 * This machine as a host, in a temporary folder with a daemon, an sshd and a list of hosts of its own. `teardown` ends
 * all of it and removes the folder.
 */
export async function openOwnHost(progress: Progress, teardown: Teardown): Promise<DemoPlace> {
  await progress.time('build', () => buildAll())
  const folder = await mkdtemp(join(tmpdir(), 'pilothouse-demo-'))
  teardown.defer('the temporary folder', () => removeFolder(folder))
  await chmod(folder, 0o711)
  progress.say('Making this machine a host: sshd on loopback, three logins, the daemon.')
  const host = await progress.time('host', () => startHost(folder, progress))
  teardown.defer('the host', () => host.close())
  const console = openConsoleOf(join(folder, 'console'), teardown)
  console.roster.add(NAME, hostTargetSchema.parse(host.access.target))
  await console.roster.acceptKey(NAME, host.access.fingerprint, AbortSignal.timeout(KEY_DEADLINE_MS))
  return { ...console, host: NAME, killGuest: (bootId) => killGuest(folder, bootId) }
}

function startHost(folder: string, progress: Progress): Promise<HostProcess> {
  const user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0, home: folder, isPrivate: false, enter: [] }
  return HostProcess.start(folder, user, (text) => {
    progress.say(text)
  })
}

async function removeFolder(folder: string): Promise<void> {
  await cleanHost(folder)
  await rm(folder, { recursive: true, force: true })
}

/** kill -9 of the hypervisor's process, by the pid that it wrote into its own boot's folder. */
async function killGuest(folder: string, bootId: string): Promise<void> {
  const prefix = await rootPrefix('Killing the guest')
  const pidFile = join(hostLayout(folder).state, 'run', bootId, 'pid')
  const pid = (await run([...prefix, 'cat', pidFile], { deadlineMs: KILL_DEADLINE_MS })).trim()
  if (!/^[1-9][0-9]{0,9}$/.test(pid)) throw new Error(`${pidFile} does not hold a pid`)
  await run([...prefix, 'kill', '-9', pid], { deadlineMs: KILL_DEADLINE_MS })
}
