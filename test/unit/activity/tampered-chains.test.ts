import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashOfEntry, toFacts, type ActivityRow } from '../../../host-daemon/store/activity-row.ts'
import { verifyChain } from '../../../src-main/activity/verify-chain.ts'
import type { TrustedHead } from '../../../src-shared/lib/activity-chain.ts'
import { CHAIN_START, type ActivityEntry, type ActivityVerdict } from '../../../src-shared/model/activity.ts'
import { recordedChain, rehashed, verdictOf } from '../../support/activity-chain.ts'
import { seededRandom } from '../../support/seeded-random.ts'

/** PILOTHOUSE_SEED repeats a run. */
const SEED = Number(process.env.PILOTHOUSE_SEED ?? Date.now() % 2 ** 31)
const random = seededRandom(SEED)
const ENTRIES = 220
const IN_THE_FILE = 3_000
const ON_THE_WAY = 7_000

type Row = ActivityRow & { hash: string }
type Chain = ReturnType<typeof recordedChain>

let folder: string
let chain: Chain
let entries: ActivityEntry[]

beforeAll(async () => {
  console.log(`tampered chains: PILOTHOUSE_SEED=${SEED}`)
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-chain-'))
  chain = recordedChain(join(folder, 'test.db'), random, ENTRIES)
  entries = chain.table.list()
})
afterAll(async () => {
  chain.db.dispose()
  await rm(folder, { recursive: true, force: true })
})

const between = (first: number, last: number): number => first + random.int(last - first + 1)

/** One to three heads that somebody kept, of the chain as it was; the newest first. */
function keptHeads(): TrustedHead[] {
  const seqs = Array.from({ length: between(1, 3) }, () => between(1, ENTRIES)).sort((a, b) => b - a)
  return seqs.map((seq) => ({ head: { seq, hash: entries[seq - 1]!.hash }, seenAt: random.pick([null, seq * 1_000]) }))
}

const readFile = () =>
  verdictWith((page) =>
    Promise.resolve({ entries: chain.table.list({ order: 'oldest_first', ...page }), head: chain.table.head() }),
  )
function verdictWith(read: Parameters<typeof verifyChain>[0]) {
  return (trusted: readonly TrustedHead[]) => verifyChain(read, trusted)
}

/** Does it to the file by raw SQL, triggers out of the way, and undoes it after `then`. */
async function tamperFile<T>(work: () => void, then: () => Promise<T>): Promise<T> {
  chain.raw.exec('BEGIN; DROP TRIGGER activity_keeps_rows; DROP TRIGGER activity_keeps_content')
  try {
    work()
    return await then()
  } finally {
    chain.raw.exec('ROLLBACK')
  }
}

function rowAt(seq: number): Row {
  return chain.raw.prepare<[number], Row>('SELECT * FROM activity WHERE seq = ?').get(seq)!
}

/** Every hash from `seq` on, computed anew from what is there. */
function rehashFile(seq: number): void {
  const update = chain.raw.prepare('UPDATE activity SET hash = ? WHERE seq = ?')
  let previous = seq <= 1 ? CHAIN_START.hash : rowAt(seq - 1).hash
  for (const row of chain.raw.prepare<[number], Row>('SELECT * FROM activity WHERE seq >= ? ORDER BY seq').all(seq)) {
    previous = hashOfEntry(previous, toFacts(row))
    update.run(previous, row.seq)
  }
}

function shiftFile(from: number, by: 1 | -1): void {
  // Out of the way first: the numbers are unique at every moment.
  chain.raw.exec(`UPDATE activity SET seq = -seq - 1000000 WHERE seq >= ${from}`)
  chain.raw.exec(`UPDATE activity SET seq = -(seq + 1000000) + ${by} WHERE seq < -1000000`)
}

const COPY =
  'INSERT INTO activity SELECT :to, at, user, uid, role, claimed_actor, request_id, operation_id, environment_id, environment_name, action, outcome, detail, hash FROM activity WHERE seq = :from'
const copyRow = (from: number, to: number): unknown => chain.raw.prepare(COPY).run({ from, to })

function otherText(column: keyof Row, seq: number): unknown {
  const old = rowAt(seq)[column]
  const hex = random.bytes(8).toString('hex')
  const values: Partial<Record<keyof Row, readonly unknown[]>> = {
    at: [Number(old) + between(1, 10), -5, 0],
    user: old === null ? ['root', ''] : [null, `${old}x`, ''],
    uid: [old === null ? 0 : Number(old) + 1, null],
    role: ['viewer', 'operator', 'admin', 'god', null],
    claimed_actor: ['someone@else', null, 'a\u202eb'],
    request_id: [`req-${hex}`, null, 'req-x', ''],
    operation_id: [`op-${hex}`, null, 'op'],
    environment_id: ['env-ffffffff', null, '../etc'],
    environment_name: ['other', null, 'NOT A NAME'],
    action: [`${old}.x`, ''],
    outcome: [`${old} `, 'succeeded!'],
    detail: [
      '{}',
      '[]',
      '1',
      'null',
      '"x"',
      `{"ordinal":${seq + 5_000}}`,
      `{"__proto__":1,${String(old).slice(1)}`,
      `{ ${String(old).slice(1)}`,
      String(old).replace('"ordinal":', '"ordinal":0,"ordinal":'),
    ],
    hash: [random.bytes(32).toString('hex'), 'F'.repeat(64), String(old).toUpperCase().replace(/^./, 'x')],
  }
  return random.pick((values[column] ?? []).filter((value) => value !== old))
}

const COLUMNS = [
  'at',
  'user',
  'uid',
  'role',
  'claimed_actor',
  'request_id',
  'operation_id',
  'environment_id',
  'environment_name',
  'action',
  'outcome',
  'detail',
  'hash',
] as const
/** Of these, every value reads as an entry's. */
const HARMLESS = ['request_id', 'outcome', 'action'] as const

function changeFile(seq: number, columns: readonly (keyof Row)[] = COLUMNS): void {
  const column = random.pick(columns)
  chain.raw.prepare(`UPDATE activity SET ${column} = ? WHERE seq = ?`).run(otherText(column, seq), seq)
}

/** A copy of another entry, before the one that was at `seq`. */
function insertFile(seq: number): void {
  shiftFile(seq, 1)
  const other = ((seq - 1 + between(1, ENTRIES - 1)) % ENTRIES) + 1
  copyRow(other < seq ? other : other + 1, seq)
}

/** Each does something to the file at `seq`, at or before a head that was kept. */
const IN_FILE: Record<string, (seq: number) => void> = {
  'changes a field': (seq) => changeFile(seq),
  'changes fields': (seq) => HARMLESS.forEach((column) => changeFile(seq, [column])),
  'changes a field and re-hashes': (seq) => {
    chain.raw.prepare('UPDATE activity SET outcome = outcome || ? WHERE seq = ?').run('!', seq)
    rehashFile(seq)
  },
  deletes: (seq) => void chain.raw.prepare('DELETE FROM activity WHERE seq = ?').run(seq),
  'deletes and renumbers': (seq) => {
    chain.raw.prepare('DELETE FROM activity WHERE seq = ?').run(seq)
    shiftFile(seq + 1, -1)
  },
  'deletes, renumbers and re-hashes': (seq) => {
    IN_FILE['deletes and renumbers']!(seq)
    rehashFile(seq)
  },
  inserts: insertFile,
  'inserts and re-hashes': (seq) => {
    insertFile(seq)
    rehashFile(seq)
  },
  'inserts before the first': (seq) => void copyRow(seq, -between(0, 5)),
  truncates: (seq) => void chain.raw.prepare('DELETE FROM activity WHERE seq >= ?').run(seq),
  'truncates and goes on': (seq) => {
    const rows = between(0, 9)
    chain.raw.prepare('DELETE FROM activity WHERE seq >= ?').run(seq)
    for (let more = 0; more <= rows && seq > 1; more++) copyRow(between(1, seq - 1), seq + more)
    rehashFile(seq)
  },
  swaps: (seq) => {
    const other = seq === ENTRIES ? seq - 1 : between(seq + 1, ENTRIES)
    chain.raw.exec(`UPDATE activity SET seq = -99 WHERE seq = ${seq}`)
    chain.raw.exec(`UPDATE activity SET seq = ${seq} WHERE seq = ${other}`)
    chain.raw.exec(`UPDATE activity SET seq = ${other} WHERE seq = -99`)
    if (random.int(2) === 0) rehashFile(Math.min(seq, other))
  },
  'empties it': () => void chain.raw.exec('DELETE FROM activity'),
  'replaces it by another one': () => {
    chain.raw.exec(`UPDATE activity SET user = 'nobody', uid = 1, role = 'admin'`)
    rehashFile(1)
  },
}

const FIELDS = [
  'seq',
  'at',
  'actor',
  'requestId',
  'operationId',
  'environmentId',
  'environmentName',
  'action',
  'outcome',
  'detail',
  'hash',
] as const
const STRANGE = [null, undefined, '', 0, -1, 1.5, '7', [], {}, { user: 'x' }, true, 'x', 2 ** 60, Number.NaN]

function otherValue(entry: ActivityEntry): unknown {
  const field = random.pick(FIELDS)
  const old = JSON.stringify(entry[field])
  return { ...entry, [field]: random.pick(STRANGE.filter((value) => JSON.stringify(value) !== old)) }
}

const withAt = (index: number, ...put: unknown[]): unknown[] => [
  ...entries.slice(0, index),
  ...put,
  ...entries.slice(index + 1),
]
const outcomeOf = (entry: ActivityEntry): ActivityEntry => ({ ...entry, outcome: `${entry.outcome}!` })

const otherThan = (index: number): ActivityEntry => entries[(index + between(1, ENTRIES - 1)) % ENTRIES]!

/** Each answers with the entries as they come, something done at `index`, at or before a head that was kept. */
const ON_WAY: Record<string, (index: number) => unknown[]> = {
  'changes a value or its type': (index) => withAt(index, otherValue(entries[index]!)),
  'changes a value': (index) => withAt(index, outcomeOf(entries[index]!)),
  'changes a hash': (index) => withAt(index, { ...entries[index], hash: random.bytes(32).toString('hex') }),
  'changes a deep fact': (index) =>
    withAt(index, { ...entries[index]!, detail: { ...entries[index]!.detail, ordinal: -1 } }),
  'reorders facts': (index) => withAt(index, { ...entries[index]!, detail: { z: 1, ...entries[index]!.detail } }),
  'brings no entry': (index) => withAt(index, random.pick([null, undefined, 7, 'x', [], {}])),
  'leaves out': (index) => withAt(index),
  'leaves out some': (index) => [...entries.slice(0, index), ...entries.slice(index + between(1, 20))],
  'leaves out and re-hashes': (index) => rehashed(withAt(index) as ActivityEntry[], index),
  'brings one a second time': (index) => withAt(index, otherThan(index), entries[index]),
  'brings one a second time and re-hashes': (index) =>
    rehashed(withAt(index, otherThan(index), entries[index]) as ActivityEntry[], index),
  swaps: (index) => {
    const other = index === ENTRIES - 1 ? index - 1 : between(index + 1, ENTRIES - 1)
    const all: ActivityEntry[] = [...entries]
    ;[all[index], all[other]] = [entries[other]!, entries[index]!]
    return random.int(2) === 0 ? all : rehashed(all, Math.min(index, other))
  },
  reverses: (index) =>
    [...entries.slice(0, index), ...entries.slice(index).reverse()].toSpliced(0, index === ENTRIES - 1 ? 1 : 0),
  truncates: (index) => entries.slice(0, index),
  'truncates and makes up the rest': (index) =>
    rehashed([...entries.slice(0, index), ...entries.slice(index).map(outcomeOf)], index),
  're-hashes all': (index) => rehashed(withAt(index, outcomeOf(entries[index]!)) as ActivityEntry[], 0),
}

/** Null where it was found; else how to see it again. */
function missed(did: string, trusted: readonly TrustedHead[], verdict: ActivityVerdict): string | null {
  const seqs = trusted.map(({ head }) => head.seq)
  const { kind, brokenAt, says } = verdict
  const isAt = brokenAt !== null && brokenAt >= 1 && brokenAt <= seqs[0]!
  if (kind === 'broken' && isAt && says.endsWith('.')) return null
  return `${did}, heads ${seqs.join(' ')}: ${JSON.stringify(verdict)}`
}

describe('10,000 tampered chains', () => {
  it(`are found, ${IN_THE_FILE} in the file`, { timeout: 180_000 }, async () => {
    const misses: string[] = []
    const ways = Object.entries(IN_FILE)
    for (let round = 0; round < IN_THE_FILE; round++) {
      const [how, tamper] = ways[round % ways.length]!
      const trusted = keptHeads()
      const seq = random.pick([1, trusted[0]!.head.seq, between(1, trusted[0]!.head.seq)])
      const verdict = await tamperFile(
        () => tamper(seq),
        () => readFile()(trusted),
      )
      const miss = missed(`${how} at ${seq}`, trusted, verdict)
      if (miss !== null) misses.push(miss)
    }
    expect(misses.slice(0, 10)).toEqual([])
  })

  it(`are found, ${ON_THE_WAY} on the way`, { timeout: 180_000 }, () => {
    const misses: string[] = []
    const ways = Object.entries(ON_WAY)
    for (let round = 0; round < ON_THE_WAY; round++) {
      const [how, tamper] = ways[round % ways.length]!
      const trusted = keptHeads()
      const seq = random.pick([1, trusted[0]!.head.seq, between(1, trusted[0]!.head.seq)])
      const miss = missed(
        `${how} at ${seq}`,
        trusted,
        verdictOf(tamper(seq - 1), trusted, () => between(1, 100)),
      )
      if (miss !== null) misses.push(miss)
    }
    expect(misses.slice(0, 10)).toEqual([])
  })
})
