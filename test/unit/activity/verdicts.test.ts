import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sha256, verifyChain, type ReadPage } from '../../../src-main/activity/verify-chain.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import { ChainVerifier, type TrustedHead } from '../../../src-shared/lib/activity-chain.ts'
import { CHAIN_START, type ActivityEntry } from '../../../src-shared/model/activity.ts'
import { recordedChain, rehashed, verdictOf } from '../../support/activity-chain.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const ENTRIES = 220
const random = seededRandom(7)

let folder: string
let chain: ReturnType<typeof recordedChain>
let entries: ActivityEntry[]
const read: ReadPage = (page) =>
  Promise.resolve({ entries: chain.table.list({ order: 'oldest_first', ...page }), head: chain.table.head() })

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-chain-'))
  chain = recordedChain(join(folder, 'test.db'), random, ENTRIES)
  entries = chain.table.list()
})
afterAll(async () => {
  chain.db.dispose()
  await rm(folder, { recursive: true, force: true })
})

const outcomeOf = (entry: ActivityEntry): ActivityEntry => ({ ...entry, outcome: `${entry.outcome}!` })
const withAt = (index: number, ...put: unknown[]): unknown[] => entries.toSpliced(index, 1, ...(put as ActivityEntry[]))

/** The newest first. */
function someHeads(): TrustedHead[] {
  const seqs = Array.from({ length: 3 }, () => 1 + random.int(ENTRIES)).sort((a, b) => b - a)
  return seqs.map((seq) => ({ head: { seq, hash: entries[seq - 1]!.hash }, seenAt: null }))
}

describe('a chain that was not touched', () => {
  it('is intact for every head that was kept', async () => {
    for (let round = 0; round < 50; round++) {
      const trusted = someHeads()
      const anchor = trusted[0]!.head
      expect(await verifyChain(read, trusted)).toMatchObject({
        kind: 'intact',
        anchor,
        brokenAt: null,
        entryCount: ENTRIES,
      })
      expect(verdictOf(entries, trusted)).toMatchObject({ kind: 'intact', anchor })
    }
  })

  it('is consistent and not anchored without one', async () => {
    const says = 'Consistent, not anchored.'
    expect(await verifyChain(read, [])).toMatchObject({
      kind: 'unanchored',
      says,
      anchor: null,
      head: chain.table.head(),
    })
    expect(verdictOf(entries, [{ head: CHAIN_START, seenAt: null }])).toMatchObject({ kind: 'unanchored' })
    expect(verdictOf([], [])).toMatchObject({ kind: 'unanchored', entryCount: 0 })
    expect(verdictOf([], [{ head: CHAIN_START, seenAt: null }])).toMatchObject({ kind: 'intact' })
  })
})

describe('what is done after the newest head', () => {
  const trusted = (): TrustedHead[] => [{ head: { seq: 100, hash: entries[99]!.hash }, seenAt: 0 }]

  it('and hashed anew cannot be known, and is said to be consistent only', () => {
    const verdict = verdictOf(rehashed(withAt(150, outcomeOf(entries[150]!)) as ActivityEntry[], 150), trusted())
    expect(verdict).toMatchObject({ kind: 'intact', anchor: { seq: 100 } })
    expect(verdict.says).toBe(
      `Intact: the trusted head holds, the newest at entry 100. What follows it, ${ENTRIES - 100} of ${ENTRIES} entries, is consistent, not anchored.`,
    )
    expect(verdictOf(entries.slice(0, 100), trusted())).toMatchObject({ kind: 'intact', entryCount: 100 })
  })

  it('and not hashed anew is found', () => {
    expect(verdictOf(withAt(150, outcomeOf(entries[150]!)), trusted())).toMatchObject({ kind: 'broken', brokenAt: 151 })
    expect(verdictOf(withAt(150), trusted())).toMatchObject({ brokenAt: 151, says: 'Entry 151 is missing.' })
  })
})

describe('the sentence', () => {
  const seen: TrustedHead[] = []
  beforeAll(() => void seen.push({ head: { seq: 60, hash: entries[59]!.hash }, seenAt: Date.UTC(2026, 0, 2, 3, 4, 5) }))

  it.each([
    [
      () => withAt(4, outcomeOf(entries[4]!)),
      5,
      'Entry 5 was changed, or the one before it was: its hash does not follow from the two.',
    ],
    [() => withAt(4, {}), 5, 'Entry 5 was changed: it does not read as an entry any more.'],
    [() => [...entries.slice(0, 4), ...entries.slice(7)], 5, 'Entries 5 to 7 are missing.'],
    [() => withAt(4, entries[4], entries[4]), 6, 'Entry 5 stands again, or out of order, where entry 6 was expected.'],
    [
      () => entries.slice(0, 40),
      41,
      'The chain ends at entry 40, before the head 60 that was seen at 2026-01-02 03:04:05 UTC.',
    ],
    [() => [], 1, 'The chain is empty, before the head 60 that was seen at 2026-01-02 03:04:05 UTC.'],
    [
      () => rehashed(withAt(4, outcomeOf(entries[4]!)) as ActivityEntry[], 4),
      60,
      'The record was rewritten in entries 1 to 60: it no longer leads to the head 60 that was seen at 2026-01-02 03:04:05 UTC.',
    ],
  ])('says what is wrong (%#)', (tampered, brokenAt, says) => {
    expect(verdictOf(tampered(), seen)).toMatchObject({ kind: 'broken', brokenAt, says })
  })

  it('narrows a rewriting down by the newest head that holds', () => {
    const older = { head: { seq: 3, hash: entries[2]!.hash }, seenAt: null }
    const verdict = verdictOf(rehashed(withAt(4, outcomeOf(entries[4]!)) as ActivityEntry[], 4), [...seen, older])
    expect(verdict).toMatchObject({ anchor: older.head, says: expect.stringContaining('in entries 4 to 60') as string })
  })

  it('tells of a head that is not the end of the entries', () => {
    const verifier = () => {
      const made = new ChainVerifier([], sha256)
      made.take(entries.slice(0, 9))
      return made
    }
    const hash = 'ab'.repeat(32)
    expect(verifier().finish({ seq: 12, hash })).toMatchObject({
      brokenAt: 10,
      says: 'Entries 10 to 12 are missing before the head that is told.',
    })
    expect(verifier().finish({ seq: 9, hash })).toMatchObject({ kind: 'broken', brokenAt: 9 })
  })

  it('keeps what a host once told against it, however its record looks now', () => {
    const cut = { head: { seq: 40, hash: entries[39]!.hash }, seenAt: 0, shrankFrom: 60 }
    expect(verdictOf(entries, [...seen, cut])).toMatchObject({
      kind: 'broken',
      brokenAt: 41,
      says: 'The record was cut: the head 40 that was seen at 1970-01-01 00:00:00 UTC came after 60 entries had been seen before.',
    })
    const other = { head: { seq: 60, hash: 'ab'.repeat(32) }, seenAt: 1 }
    expect(verdictOf(entries, [...seen, other])).toMatchObject({ kind: 'broken', brokenAt: 60 })
  })
})

describe('a page that cannot be read', () => {
  /** As from a daemon that sends what the contract does not know, at `bad`. */
  const sending = (bad: number, asked: number[]): ReadPage => {
    return async ({ after = 0, limit }) => {
      asked.push(limit)
      if (bad > after && bad <= after + limit)
        throw new PilothouseError('protocol_mismatch', 'The answer is malformed.')
      return read({ limit, ...(after === 0 ? {} : { after }) })
    }
  }

  it.each([1, 2, 150, ENTRIES])('is broken where its entry %i is none', async (bad) => {
    const asked: number[] = []
    const says = `Entry ${bad} was changed: it does not read as an entry any more.`
    const verdict = await verifyChain(sending(bad, asked), [])
    expect(verdict).toMatchObject({ kind: 'broken', brokenAt: bad, says })
    expect(asked.length).toBeLessThan(40)
  })

  it('fails, and is never called broken, where the host is out of reach', async () => {
    const cut: ReadPage = () => Promise.reject(new PilothouseError('host_unreachable', 'The connection was lost.'))
    await expect(verifyChain(cut, [])).rejects.toMatchObject({ code: 'host_unreachable' })
  })

  it('ends where the host tells of more than it gives', async () => {
    const short: ReadPage = async (page) => ({
      entries: (await read(page)).entries.slice(0, 0),
      head: { seq: 9, hash: 'ab'.repeat(32) },
    })
    expect(await verifyChain(short, [])).toMatchObject({ kind: 'broken', brokenAt: 1 })
    const ahead: ReadPage = () =>
      Promise.resolve({ entries: entries.slice(50), head: { seq: 9, hash: 'ab'.repeat(32) } })
    expect(await verifyChain(ahead, [])).toMatchObject({ kind: 'broken', brokenAt: 1 })
  })
})
