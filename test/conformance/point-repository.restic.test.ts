import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createResticRepositories } from '../../host-daemon/backups/repositories.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { SystemRandom } from '../../host-daemon/system/random.ts'
import { repositoryLocationSchema } from '../../src-shared/model/repository.ts'
import { flipOneBitOfEachPack } from '../support/restic-damage.ts'
import { lightenKey } from '../support/restic-keys.ts'
import { locksOf } from '../support/restic-locks.ts'
import { TreeRooms } from '../support/tree-rooms.ts'
import { temporaryFolder } from '../support/edge.ts'
import { describeRepositories, type RepositoriesSubject } from './point-repository.ts'

describeRepositories('restic', { makeSubject, hasProcesses: true })

async function makeSubject(): Promise<RepositoriesSubject> {
  const folder = await temporaryFolder()
  const file = join(folder.path, 'password')
  const repositories = createResticRepositories({
    base: repositoryLocationSchema.parse(join(folder.path, 'repositories')),
    isShared: false,
    password: { file, isOurs: true },
    cacheDirectory: join(folder.path, 'caches'),
    idleMs: 60_000,
    clock: new SystemClock(),
    random: new SystemRandom(),
  })
  const rooms = new TreeRooms(join(folder.path, 'rooms'))
  return {
    repositories,
    lighten: async (location) => lightenKey(location, (await readFile(file, 'utf8')).trimEnd()),
    remove: (location) => rm(location, { recursive: true }),
    damage: flipOneBitOfEachPack,
    leaveDeadLock: (location) => killInTheMiddle(location, file),
    treeAt: (path) => rooms.treeAt(path),
    dispose: async () => {
      await rooms.close()
      await folder.remove()
    },
  }
}

/** Kills a backup that is under way, once its lock is there. */
async function killInTheMiddle(location: string, passwordFile: string): Promise<void> {
  const locks = async (): Promise<number> => (await locksOf(location)).length
  const before = await locks()
  const args = ['--repo', location, '--password-file', passwordFile, '--no-cache', '--limit-upload', '16']
  const child = spawn('restic', [...args, 'backup', '--stdin'], { stdio: ['pipe', 'ignore', 'ignore'] })
  const gone = new Promise((resolve) => child.once('close', resolve))
  child.stdin.on('error', () => undefined)
  child.stdin.write(randomBytes(1024))
  while ((await locks()) === before && child.exitCode === null) await new SystemClock().sleep(20)
  child.kill('SIGKILL')
  await gone
}
