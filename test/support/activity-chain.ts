import Sqlite from 'better-sqlite3'
import { ActivityTable, type NewActivity } from '../../host-daemon/store/activity-table.ts'
import { Database, openDatabase } from '../../host-daemon/store/database.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { hashOfEntry } from '../../host-daemon/store/activity-row.ts'
import { sha256 } from '../../src-main/activity/verify-chain.ts'
import { ChainVerifier, type TrustedHead } from '../../src-shared/lib/activity-chain.ts'
import { CHAIN_START, type ActivityEntry, type ActivityVerdict } from '../../src-shared/model/activity.ts'
import type { seededRandom } from './seeded-random.ts'

type Random = ReturnType<typeof seededRandom>

const ACTIONS = [
  'spawn',
  'recover',
  'reset',
  'owner.put',
  'environment.lost',
  'environment.rename',
  'ticket',
  'spawned',
]
const OUTCOMES = ['requested', 'accepted', 'succeeded', 'failed', 'refused', 'noticed']
const TEXTS = [
  '',
  'ö',
  '\u{1f9ca}',
  '\u0000',
  '\ud800',
  '日本',
  '"\\',
  '__proto__',
  '{"__proto__":1}',
  'e\u0301',
  '\u2028',
]
const KEYS = [
  'a',
  'zeta',
  '10',
  '2',
  '-1',
  '01',
  '',
  'ö',
  '__proto__',
  'constructor',
  'toJSON',
  'a"__proto__',
  'length',
]
const NUMBERS = [
  0,
  -0,
  1.5,
  -3,
  2 ** 53,
  2 ** 53 + 2,
  1e21,
  1e-7,
  5e-324,
  1.7976931348623157e308,
  Number.NaN,
  0.1 + 0.2,
]

export const ENVIRONMENT_IDS = ['env-0000000a', 'env-0000000b', 'env-0000000c']

/** What JSON can carry, and some of what it cannot. */
export function randomValue(random: Random, depth = 0): unknown {
  const kind = random.int(depth > 3 ? 5 : 7)
  if (kind === 0) return random.pick(NUMBERS)
  if (kind === 1) return random.pick(TEXTS) + random.pick(TEXTS)
  if (kind === 2) return random.pick([true, false, null, undefined])
  if (kind === 3) return random.int(2 ** 31) * (random.int(2) === 0 ? 1 : -0.001)
  if (kind === 4) return random.bytes(random.int(12)).toString('latin1')
  if (kind === 5) return Array.from({ length: random.int(4) }, () => randomValue(random, depth + 1))
  return randomDetail(random, depth + 1)
}

export function randomDetail(random: Random, depth = 0): Record<string, unknown> {
  const detail: Record<string, unknown> = {}
  for (let left = random.int(5); left > 0; left--) {
    const [key, value] = [random.pick(KEYS), randomValue(random, depth)]
    // As JSON.parse makes it: a plain assignment of __proto__ would set something else.
    Object.defineProperty(detail, key, { value, enumerable: true, configurable: true, writable: true })
  }
  return detail
}

/** Something that might be recorded; no two of one run are the same. */
export function randomActivity(random: Random, ordinal: number): NewActivity {
  const maybe = <T>(value: T): T | null => (random.int(3) === 0 ? null : value)
  const role = random.pick(['viewer', 'operator', 'admin'] as const)
  const claimedActor = maybe(random.pick(['op@desk', 'müller@büro', 'half\ud800'])) as never
  const user = random.pick(['op', 'root', 'jörg', 'half\udfff'])
  return {
    at: 1_700_000_000_000 + ordinal * 1_000 + random.int(1_000),
    actor: maybe({ user, uid: random.int(70_000), role, claimedActor }),
    requestId: maybe(`req-${random.bytes(8).toString('hex')}`) as never,
    operationId: maybe(`op-${random.bytes(8).toString('hex')}`) as never,
    environmentId: maybe(random.pick(ENVIRONMENT_IDS)) as never,
    action: random.pick(ACTIONS),
    outcome: random.pick(OUTCOMES),
    detail: { ...randomDetail(random), ordinal },
  }
}

const ENVIRONMENT = `
INSERT INTO environments (id, name, owner, image, driver, cpus, memory_mib, home_mib, home_id, desired, observed,
  observed_at, generation, guest_uid, is_protected, created_at)
VALUES (@id, @name, 'local', 'minimal@1', 'fake', 1, 1, 1, 'home-1', 'stopped', '{}', 0, 1, @uid, 0, 0)`

/** A real database with `count` entries in it, written by the daemon's own table, and its raw connection. */
export function recordedChain(path: string, random: Random, count: number) {
  openDatabase(path, { clock: new SystemClock() }).dispose()
  const raw = new Sqlite(path)
  raw.pragma('foreign_keys = OFF')
  raw.pragma('synchronous = OFF')
  const insert = raw.prepare(ENVIRONMENT)
  // The last one has no name that reads as one, as of a malformed environment.
  ENVIRONMENT_IDS.forEach((id, index) => insert.run({ id, uid: index, name: ['web', 'db-1', 'No Name'][index] }))
  const db = new Database(raw)
  const table = new ActivityTable(db)
  db.transaction(() => {
    for (let ordinal = 0; ordinal < count; ordinal++) table.append(randomActivity(random, ordinal))
  })
  return { raw, db, table }
}

/** Re-hashed from `index` on, with the numbers that belong there. */
export function rehashed(given: readonly ActivityEntry[], index: number): ActivityEntry[] {
  const kept = given.slice(0, index)
  let previous = kept.at(-1)?.hash ?? CHAIN_START.hash
  return [
    ...kept,
    ...given.slice(index).map((entry, offset) => {
      const facts = { ...entry, seq: index + offset + 1 }
      previous = hashOfEntry(previous, facts)
      return { ...facts, hash: previous }
    }),
  ]
}

/** What a verifier says of entries that come in pages, told the end of them as by a keeper who has changed the rest. */
export function verdictOf(
  given: readonly unknown[],
  trusted: readonly TrustedHead[],
  pageSize: () => number = () => 100,
): ActivityVerdict {
  const verifier = new ChainVerifier(trusted, sha256)
  for (let at = 0; at < given.length;) {
    const pageEnd = at + pageSize()
    verifier.take(given.slice(at, pageEnd))
    at = pageEnd
  }
  const last = given.at(-1) as Partial<ActivityEntry> | undefined
  return verifier.finish({ seq: last?.seq ?? 0, hash: last?.hash ?? CHAIN_START.hash })
}
