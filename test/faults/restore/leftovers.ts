import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { processesWith } from '../../support/kill-points.ts'
import { locksOf } from '../../support/restic-locks.ts'
import { problemsOf } from '../operations/invariants.ts'
import type { Lane } from '../lib/lane.ts'

/** What is left of work on a home or a repository, a phrase each; nothing once it is over. */
export async function leftoversOf(lane: Lane, environmentId: string): Promise<string[]> {
  const found = await Promise.all([
    problemsOf(lane, environmentId),
    locks(lane),
    loopDevices(lane),
    mounts(lane),
    keptHomes(lane, environmentId),
  ])
  return [...found.flat(), ...workers(lane)]
}

async function locks(lane: Lane): Promise<string[]> {
  const base = join(lane.state, 'repositories')
  const repositories = await readdir(base).catch(() => [])
  const found = await Promise.all(repositories.map((name) => locksOf(join(base, name))))
  return found.flat().map((name) => `the lock ${name.slice(0, 8)} is left`)
}

async function loopDevices({ folder }: Lane): Promise<string[]> {
  const devices = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'))
  const files = await Promise.all(
    devices.map(async (name) => ({
      name,
      file: await readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => ''),
    })),
  )
  const ours = files.filter(({ file }) => file.startsWith(`${folder}/`) && file.trim().endsWith('.img'))
  return ours.filter(({ file }) => file.includes('/homes/')).map(({ name }) => `${name} is left`)
}

/** The console journals' space is mounted as long as the daemon or a guest is there. */
async function mounts(lane: Lane): Promise<string[]> {
  const paths = await lane.mounts()
  return paths.filter((path) => /\/(?:rooms|homes|scratch)\b/.test(path)).map((path) => `${path} is mounted`)
}

/** A kept home is one that is there, and of that environment. */
async function keptHomes(lane: Lane, environmentId: string): Promise<string[]> {
  const sql = 'SELECT home_id AS id, purpose FROM kept_homes WHERE environment_id = ?'
  const kept = lane.query<{ id: string; purpose: string }>(sql, environmentId)
  const images = await readdir(lane.layout.homes)
  return kept.flatMap(({ id, purpose }) => [
    ...(images.includes(`${id}.img`) ? [] : [`the kept home ${id} is not there`]),
    ...(purpose === 'review' ? [`the home ${id} was set aside for review`] : []),
  ])
}

/** Engines' children that nobody waits for. */
function workers({ folder }: Lane): string[] {
  const names = ['restic', 'fuse2fs', 'qemu-storage-daemon', 'mkfs.ext4', 'e2fsck']
  const isWorker = (words: readonly string[]) => words.some((word) => names.some((name) => word.endsWith(name)))
  const isOurs = (words: readonly string[]) => words.some((word) => word.includes(`${folder}/`))
  return processesWith((words) => isWorker(words) && isOurs(words)).map((pid) => `process ${pid} is left`)
}
