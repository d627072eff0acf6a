import { readdir } from 'node:fs/promises'
import type { ObservedState } from '../../../src-shared/model/environment.ts'
import type { Lane } from '../lib/lane.ts'

interface Row {
  id: string
  observed: string
  boot: string | null
}

/** What is not as it must be once an operation has ended, a phrase each; nothing for what is well. */
export async function problemsOf(lane: Lane, environmentId: string): Promise<string[]> {
  return [...claims(lane, environmentId), ...guests(lane, environmentId), ...(await homes(lane)), ...(await runs(lane))]
}

function claims(lane: Lane, environmentId: string): string[] {
  const sql = `
    SELECT c.operation_id AS id FROM claims c JOIN operations o ON o.id = c.operation_id
    WHERE c.environment_id = ? AND c.released_at IS NULL AND o.status <> 'running'`
  return lane.query<{ id: string }>(sql, environmentId).map(({ id }) => `the claim of ${id} is stuck`)
}

/** One guest for what is said to run, none for what is not, and no guest that nobody knows. */
function guests(lane: Lane, environmentId: string): string[] {
  const sql = `
    SELECT e.id, e.observed, b.id AS boot FROM environments e
    LEFT JOIN boots b ON b.environment_id = e.id AND b.ended_at IS NULL WHERE e.id = ? AND e.destroyed_at IS NULL`
  const alive = lane.guests().map(({ bootId }) => bootId)
  const live = lane.query<{ id: string }>('SELECT id FROM boots WHERE ended_at IS NULL').map(({ id }) => id)
  const orphans = alive
    .filter((bootId) => !live.includes(bootId))
    .map((bootId) => `the guest of ${bootId} is an orphan`)
  const [row] = lane.query<Row>(sql, environmentId)
  if (row === undefined) return orphans
  const { kind } = JSON.parse(row.observed) as ObservedState
  const isAlive = row.boot !== null && alive.includes(row.boot)
  return [...orphans, ...(kind === 'running' && !isAlive ? ['it is said to run and does not'] : [])]
}

async function homes(lane: Lane): Promise<string[]> {
  const sql = 'SELECT id FROM homes WHERE removed_at IS NULL'
  const known = lane.query<{ id: string }>(sql).map(({ id }) => id)
  const found = await readdir(lane.layout.homes)
  const isKnown = (name: string) => known.some((id) => name === `${id}.img` || name === `${id}.json`)
  return found.filter((name) => !isKnown(name)).map((name) => `${name} belongs to no home`)
}

async function runs(lane: Lane): Promise<string[]> {
  const live = lane.query<{ id: string }>('SELECT id FROM boots WHERE ended_at IS NULL').map(({ id }) => id)
  const found = await readdir(lane.layout.run)
  return found.filter((name) => !live.includes(name)).map((name) => `the files of ${name} are left`)
}
