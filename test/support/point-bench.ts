import type { HomeId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import type { GuestProgram, GuestProgramResult } from '../../host-daemon/drivers/vm-driver.ts'
import { COUNT_SCRIPT, HASH_SCRIPT } from '../../host-daemon/restores/drill-guest.ts'
import { createHash } from 'node:crypto'
import { newCommandId, spawnInput, type FakeDriverDaemon } from './fake-driver-daemon.ts'
import { filesOf, type FakeFiles } from './fake-home-trees.ts'
import type { FakeHome } from './fake-machine.ts'
import { fakeTimeOf } from './fake-point-repository.ts'

/** In every folder something stays that is no identity: a pretended home keeps no empty folder. */
export const SOURCE_FILES: FakeFiles = {
  '.machine-id': 'aaaa',
  'etc/machine-id': 'bbbb',
  'etc/hosts': '127.0.0.1 localhost',
  'etc/ssh/ssh_host_ed25519_key': 'secret of the host',
  'etc/ssh/sshd_config': 'Port 22',
  'data/report.txt': 'quarterly figures',
  'data/old/report.txt': 'older figures',
}

export const IDENTITY = ['/.machine-id', '/etc/machine-id', '/etc/ssh/ssh_host_ed25519_key']

export function endOf(host: FakeDriverDaemon, { id }: Pick<Operation, 'id'>): Promise<Operation> {
  return host.as('admin').operations.wait({ id, timeoutMs: 10_000 })
}

/** An environment `web` whose home holds the files, and a point of it. */
export async function makePoint(host: FakeDriverDaemon, files: FakeFiles = SOURCE_FILES): Promise<RecoveryPoint> {
  const admin = host.as('admin')
  const startup = { command: 'serve', environment: { TOKEN: 'hidden' }, files: [] }
  await endOf(host, await admin.environments.spawn({ ...spawnInput('web'), labels: { tier: 'gold' }, startup }))
  const { home } = await admin.environments.get({ environment: 'web' })
  host.machine.homes.put(home.id, { ...host.machine.homes.get(home.id)!, files })
  const done = await endOf(host, await admin.backups.now({ commandId: newCommandId(), environment: 'web' }))
  if (done.status.kind !== 'succeeded') throw new Error(`No point was made: ${JSON.stringify(done.status)}`)
  const [point] = await admin.backups.points({ environment: 'web' })
  return point!
}

export function filesIn(host: FakeDriverDaemon, homeId: HomeId): FakeFiles {
  return host.machine.homes.get(homeId)?.files ?? {}
}

/** What a well guest of the fake driver answers to a drill: what is in its home. */
export function answerAsTold(program: GuestProgram, home: FakeHome): Partial<GuestProgramResult> {
  const [, script, , , ...paths] = program.args
  const files = filesOf(home)
  if (script === COUNT_SCRIPT) return { stdout: Buffer.from(`${1 + countEntries(files)}\n`) }
  if (script !== HASH_SCRIPT) return {}
  const lines = paths.map((path) => {
    const content = files[path]
    if (content === undefined) return 'missing'
    const hash = createHash('sha256').update(content).digest('hex')
    return `${hash} ${Math.floor(fakeTimeOf(content) / 1000)}`
  })
  return { stdout: Buffer.from(lines.map((line) => `${line}\n`).join('')) }
}

function countEntries(files: FakeFiles): number {
  const entries = new Set<string>()
  for (const path of Object.keys(files)) {
    const names = path.split('/')
    for (let count = 1; count <= names.length; count += 1) entries.add(names.slice(0, count).join('/'))
  }
  return entries.size
}
