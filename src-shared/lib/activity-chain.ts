import {
  activityEntrySchema,
  CHAIN_START,
  chainText,
  type ActivityHead,
  type ActivityVerdict,
  type ChainedFacts,
} from '../model/activity.ts'

/** SHA-256 of a text's UTF-8, as lower-case hex. */
export type Sha256 = (text: string) => string

/** An end of a chain that someone other than the chain's keeper has kept. */
export interface TrustedHead {
  readonly head: ActivityHead
  /** When it was seen, by the clock of who kept it; null where nobody says. */
  readonly seenAt: number | null
  /** Set where the chain had been told to reach this far before: it was shorter at `seenAt` than it had been. */
  readonly shrankFrom?: number | null
}

interface Fault {
  readonly at: number
  readonly says: string
}

/** Exact and the same everywhere: the sentence may be exported. */
function utc(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

function nameOf({ head, seenAt }: TrustedHead): string {
  return seenAt === null ? `the given head ${head.seq}` : `the head ${head.seq} that was seen at ${utc(seenAt)}`
}

function range(first: number, last: number): string {
  return first === last ? `Entry ${first} is` : `Entries ${first} to ${last} are`
}

function misplaced(expected: number, found: number): string {
  if (found > expected) return `${range(expected, found - 1)} missing.`
  return `Entry ${found} stands again, or out of order, where entry ${expected} was expected.`
}

function changed(seq: number): string {
  return `Entry ${seq} was changed, or the one before it was: its hash does not follow from the two.`
}

function rewritten(failed: TrustedHead, anchor: ActivityHead | null): string {
  const first = (anchor?.seq ?? 0) + 1
  const last = Math.max(first, failed.head.seq)
  const where = first === last ? `entry ${first}` : `entries ${first} to ${last}`
  return `The record was rewritten in ${where}: it no longer leads to ${nameOf(failed)}.`
}

/**
 * Holds a chain against trusted heads, in bounded memory: entries are taken in order, from the first one. Finds every
 * change, deletion, insertion, reordering, truncation and re-hash at or before a trusted head. Not found is what a
 * keeper of the chain does after the newest trusted head and re-hashes: that part is consistent and nothing more.
 */
export class ChainVerifier {
  private readonly sha256: Sha256
  private readonly trusted: readonly TrustedHead[]
  private readonly bySeq = new Map<number, TrustedHead[]>()
  private last: ActivityHead = CHAIN_START
  private anchor: ActivityHead | null = null
  private fault: Fault | null = null
  private count = 0

  constructor(trusted: readonly TrustedHead[], sha256: Sha256) {
    this.trusted = trusted
    this.sha256 = sha256
    for (const one of trusted) this.bySeq.set(one.head.seq, [...(this.bySeq.get(one.head.seq) ?? []), one])
    this.holdHeads()
  }

  /** The end of what was found consistent so far. */
  get head(): ActivityHead {
    return this.last
  }

  get isBroken(): boolean {
    return this.fault !== null
  }

  /** The next entries, in the order of the chain and as they came; what is no entry breaks the chain. */
  take(entries: readonly unknown[]): void {
    for (const entry of entries) {
      if (this.isBroken) return
      this.count += 1
      this.takeOne(entry)
    }
  }

  /** What came of it, once the entries are over. `told` is the end that the chain's keeper says it has. */
  finish(told: ActivityHead): ActivityVerdict {
    const fault = this.fault ?? this.truncation() ?? this.otherEnd(told) ?? this.shrinkage()
    const { count: entryCount, anchor } = this
    const common = { entryCount, head: told, anchor }
    if (fault !== null) return { ...common, kind: 'broken', says: fault.says, brokenAt: fault.at }
    const isAnchored = anchor !== null || (told.seq === 0 && this.trusted.length > 0)
    if (!isAnchored) return { ...common, kind: 'unanchored', says: 'Consistent, not anchored.', brokenAt: null }
    return { ...common, kind: 'intact', says: this.praise(), brokenAt: null }
  }

  private takeOne(given: unknown): void {
    const seq = this.last.seq + 1
    const parsed = activityEntrySchema.safeParse(given)
    if (!parsed.success) this.break(seq, `Entry ${seq} was changed: it does not read as an entry any more.`)
    else if (parsed.data.seq !== seq) this.break(seq, misplaced(seq, parsed.data.seq))
    else if (this.hashOf(parsed.data) !== parsed.data.hash) this.break(seq, changed(seq))
    else {
      this.last = { seq, hash: parsed.data.hash }
      this.holdHeads()
    }
  }

  private hashOf(entry: ChainedFacts): string {
    return this.sha256(chainText(this.last.hash, entry))
  }

  private holdHeads(): void {
    const heads = this.bySeq.get(this.last.seq)
    if (heads === undefined) return
    const failed = heads.find(({ head }) => head.hash !== this.last.hash)
    if (failed !== undefined) this.break(failed.head.seq, rewritten(failed, this.anchor))
    else if (this.last.seq > 0) this.anchor = this.last
  }

  private break(at: number, says: string): void {
    this.fault ??= { at, says }
  }

  private truncation(): Fault | null {
    const beyond = this.trusted.filter(({ head }) => head.seq > this.last.seq)
    const furthest = beyond.sort((a, b) => b.head.seq - a.head.seq)[0]
    if (furthest === undefined) return null
    const end = this.last.seq === 0 ? 'is empty' : `ends at entry ${this.last.seq}`
    return { at: this.last.seq + 1, says: `The chain ${end}, before ${nameOf(furthest)}.` }
  }

  private otherEnd(told: ActivityHead): Fault | null {
    const { seq, hash } = this.last
    if (told.seq > seq)
      return { at: seq + 1, says: `${range(seq + 1, told.seq)} missing before the head that is told.` }
    if (told.seq === seq && told.hash === hash) return null
    return { at: told.seq, says: `The head that is told, ${told.seq}, is not the end of the entries, ${seq}.` }
  }

  private shrinkage(): Fault | null {
    const shrunk = this.trusted.find(({ shrankFrom }) => typeof shrankFrom === 'number')
    if (shrunk === undefined) return null
    const before = `after ${shrunk.shrankFrom} entries had been seen before`
    return { at: shrunk.head.seq + 1, says: `The record was cut: ${nameOf(shrunk)} came ${before}.` }
  }

  private praise(): string {
    const heads = this.trusted.length === 1 ? 'the trusted head holds' : `all ${this.trusted.length} trusted heads hold`
    const seq = this.anchor?.seq ?? 0
    const rest = this.last.seq - seq
    const after =
      rest === 0 ? '' : ` What follows it, ${rest} of ${this.last.seq} entries, is consistent, not anchored.`
    return `Intact: ${heads}, the newest at entry ${seq}.${after}`
  }
}
