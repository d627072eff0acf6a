import type { TrustedHead } from '../../src-shared/lib/activity-chain.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import type { Db } from './database.ts'
import { surplusOf } from './head-thinning.ts'

/** An end of a host's activity chain, as this console saw it. */
export interface PinnedHead extends TrustedHead {
  /** Console clock. */
  readonly seenAt: number
  /** It contradicts one that was seen before. */
  readonly isEvidence: boolean
  /** The sequence number that was seen before, where it is smaller; else null. */
  readonly shrankFrom: number | null
}

/** Whose head it is. */
export interface PinOwner {
  readonly id: HostId
  /** The fingerprint of the pinned host key; null where the host is trusted by `known_hosts` alone. */
  readonly fingerprint: string | null
}

/** Of one host, evidence apart. */
export const PINNED_MOST = 512
/** Thinned by more than one at a time, so that it is rare. */
const PINNED_AFTER_THINNING = 448
/** Of one host; the first ones stay. */
const EVIDENCE_MOST = 64

interface Row {
  seq: number
  hash: string
  seen_at: number
  is_evidence: number
  shrank_from: number | null
}

/** Its own, and those of hosts with the same key that have been forgotten: it is the same host, added again. */
const OF_OWNER = `
(host_id = @id AND host_key IN (@key, ''))
OR (@key <> '' AND host_key = @key AND host_id NOT IN (SELECT id FROM hosts))`

function bindingsOf({ id, fingerprint }: PinOwner): { id: string; key: string } {
  return { id, key: fingerprint ?? '' }
}

function headOf(row: Row): PinnedHead {
  const { seq, hash, seen_at: seenAt, shrank_from: shrankFrom } = row
  return { head: { seq, hash }, seenAt, isEvidence: row.is_evidence === 1, shrankFrom }
}

/**
 * The ends of hosts' activity chains, pinned. One that is kept is never replaced by a later one: the first, the newest,
 * every contradiction (the first 64) and a history that thins out with its age stay, at most 512 for a host beside the
 * contradictions. They outlive their host, and count again when it is added again with the same key.
 */
export class PinnedHeads {
  private readonly db: Db

  constructor(db: Db) {
    this.db = db
  }

  /** Newest first. */
  list(owner: PinOwner): PinnedHead[] {
    const sql = `SELECT * FROM pinned_heads WHERE ${OF_OWNER} ORDER BY seen_at DESC, seq DESC, is_evidence DESC`
    return this.db.prepare<[object], Row>(sql).all(bindingsOf(owner)).map(headOf)
  }

  /** In one transaction; one that is there already stays as it is. */
  add(owner: PinOwner, heads: readonly PinnedHead[]): void {
    const write = this.db.transaction(() => {
      this.adopt(owner)
      const found = this.list(owner)
      const room = EVIDENCE_MOST - found.filter(({ isEvidence }) => isEvidence).length
      const evidence = heads.filter(({ isEvidence }) => isEvidence).slice(0, Math.max(0, room))
      for (const pinned of [...heads.filter(({ isEvidence }) => !isEvidence), ...evidence]) this.put(owner, pinned)
      if (found.length + heads.length > PINNED_MOST) this.thin(owner)
    })
    write.immediate()
  }

  /** Takes over what was pinned under a former id of the same host. */
  private adopt(owner: PinOwner): void {
    if (owner.fingerprint === null) return
    const forgotten = 'host_key = @key AND host_id <> @id AND host_id NOT IN (SELECT id FROM hosts)'
    const former = `(${forgotten}) OR (host_id = @id AND host_key = '')`
    const bindings = bindingsOf(owner)
    this.db.prepare(`UPDATE OR IGNORE pinned_heads SET host_id = @id, host_key = @key WHERE ${former}`).run(bindings)
    this.db.prepare(`DELETE FROM pinned_heads WHERE ${former}`).run(bindings)
  }

  private put(owner: PinOwner, { head, seenAt, isEvidence, shrankFrom }: PinnedHead): void {
    const insert = this.db.prepare(`
      INSERT INTO pinned_heads (host_id, host_key, seq, hash, seen_at, is_evidence, shrank_from)
      VALUES (@id, @key, @seq, @hash, @seenAt, @isEvidence, @shrankFrom)
      ON CONFLICT DO UPDATE SET is_evidence = 1, shrank_from = excluded.shrank_from
      WHERE is_evidence = 0 AND excluded.is_evidence = 1`)
    insert.run({ ...bindingsOf(owner), ...head, seenAt, isEvidence: isEvidence ? 1 : 0, shrankFrom })
  }

  private thin(owner: PinOwner): void {
    const oldestFirst = this.list(owner).reverse()
    const evidence = oldestFirst.filter(({ isEvidence }) => isEvidence)
    // What the evidence contradicts stays with it.
    const contradicted = new Set(evidence.flatMap(({ head, shrankFrom }) => [head.seq, shrankFrom]))
    const thinnable = oldestFirst.filter(({ head, isEvidence }) => !isEvidence && !contradicted.has(head.seq))
    if (thinnable.length <= PINNED_MOST - contradicted.size) return
    const drop = this.db.prepare('DELETE FROM pinned_heads WHERE host_id = @id AND seq = @seq AND hash = @hash')
    for (const { head } of surplusOf(thinnable, PINNED_AFTER_THINNING - contradicted.size)) {
      drop.run({ id: owner.id, ...head })
    }
  }
}
