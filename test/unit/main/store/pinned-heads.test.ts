import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { surplusOf } from '../../../../src-main/store/head-thinning.ts'
import { PINNED_MOST, type PinnedHead } from '../../../../src-main/store/pinned-heads.ts'
import { openStore, type ConsoleStore } from '../../../../src-main/store/store.ts'
import { hostIdSchema } from '../../../../src-shared/model/ids.ts'

const owner = { id: hostIdSchema.parse('host-0000abcd'), fingerprint: 'SHA256:x' }
const pin = (seq: number, more: Partial<PinnedHead> = {}): PinnedHead => ({
  head: { seq, hash: String(seq).padStart(64, 'a') },
  seenAt: seq * 5_000,
  isEvidence: false,
  shrankFrom: null,
  ...more,
})

let store: ConsoleStore
beforeEach(() => void (store = openStore(':memory:')))
afterEach(() => store.dispose())

describe('pinned heads', () => {
  it('stay bounded; the first, the newest and the evidence stay, and what it contradicts', { timeout: 60_000 }, () => {
    store.heads.add(owner, [pin(1)])
    store.heads.add(owner, [pin(700)])
    store.heads.add(owner, [pin(650, { seenAt: 700 * 5_000 + 1, isEvidence: true, shrankFrom: 700 })])
    for (let seq = 701; seq <= 3_000; seq++) store.heads.add(owner, [pin(seq)])
    const pins = store.heads.list(owner)
    expect(pins.length).toBeLessThanOrEqual(PINNED_MOST + 1)
    expect(pins.length).toBeGreaterThan(400)
    const seqs = pins.map(({ head }) => head.seq)
    expect(seqs).toEqual(expect.arrayContaining([1, 650, 700, 3_000]))
    expect(pins[0]?.head.seq).toBe(3_000)
    expect(pins.filter(({ isEvidence }) => isEvidence)).toHaveLength(1)
  })

  it('keep the first 64 contradictions of a host that never stops', () => {
    for (let seq = 1; seq <= 200; seq++) {
      store.heads.add(owner, [pin(seq, { isEvidence: true, shrankFrom: 1_000 })])
    }
    const seqs = store.heads.list(owner).map(({ head }) => head.seq)
    expect(seqs).toEqual(Array.from({ length: 64 }, (_, index) => 64 - index))
  })

  it('are not changed by being seen again, but for becoming evidence', () => {
    store.heads.add(owner, [pin(5)])
    store.heads.add(owner, [pin(5, { seenAt: 1 })])
    expect(store.heads.list(owner)).toEqual([pin(5)])
    store.heads.add(owner, [pin(5, { seenAt: 99_999, isEvidence: true, shrankFrom: 8 })])
    expect(store.heads.list(owner)).toEqual([pin(5, { isEvidence: true, shrankFrom: 8 })])
  })
})

describe('thinning', () => {
  it('leaves seconds where it is new and long gaps where it is old', () => {
    let kept: { seenAt: number }[] = []
    for (let step = 0; step < 20_000; step++) {
      kept.push({ seenAt: step * 5_000 })
      if (kept.length <= 128) continue
      const gone = new Set(surplusOf(kept, 112))
      kept = kept.filter((head) => !gone.has(head))
    }
    expect(kept[0]?.seenAt).toBe(0)
    expect(kept.at(-1)?.seenAt).toBe(19_999 * 5_000)
    const newest = kept.at(-1)!.seenAt
    for (const [index, { seenAt }] of kept.slice(1, -20).entries()) {
      const gap = seenAt - kept[index]!.seenAt
      // About as far apart as it is old, in parts: nothing old is lost altogether.
      expect(gap).toBeLessThan((newest - kept[index]!.seenAt) * 0.4)
    }
  })
})
