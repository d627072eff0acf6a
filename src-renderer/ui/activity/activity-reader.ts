import { shallowReactive } from 'vue'
import type { Failure } from '../../../src-shared/error.ts'
import type { ActivityEntry, ActivityHead } from '../../../src-shared/model/activity.ts'
import type { Host } from '../../../src-shared/model/host.ts'
import type { HostId } from '../../../src-shared/model/ids.ts'
import { failureOf } from '../../api.ts'
import { hostsToReadOn, type ReadPart } from './merge-activity.ts'
import { readNews, readPage, type ActivityFilter, type ActivityPage, type ListActivity } from './read-activity.ts'

/** What has been read of one host's record, and why not more; replaced, never changed. */
export interface HostPart extends ReadPart {
  /** Newer entries that are held back until they are asked for; newest first. */
  readonly news: readonly ActivityEntry[]
  /** Everything up to this sequence number has been read; null before the first answer. */
  readonly readTo: number | null
  readonly isReading: boolean
  readonly failure: Failure | null
  /** Console clock: when it was last read without a failure; null before that. */
  readonly readAt: number | null
}

export interface ReaderDeps {
  readonly list: (hostId: HostId) => ListActivity
  readonly host: (hostId: HostId) => Host | undefined
  readonly headOf: (hostId: HostId) => ActivityHead | undefined
  readonly offsetOf: (hostId: HostId) => number
  readonly now: () => number
  /** Someone is reading: new entries are counted, not shown. */
  readonly isHolding: () => boolean
}

const EMPTY = {
  entries: [],
  news: [],
  hasMore: false,
  readTo: null,
  isReading: false,
  failure: null,
  readAt: null,
} as const

interface Question {
  readonly ask: (list: ListActivity) => Promise<ActivityPage>
  readonly take: (page: ActivityPage, part: HostPart) => Partial<HostPart>
}

/** Reads several hosts' records, each read, followed and failing by itself. */
export class ActivityReader {
  readonly parts = shallowReactive(new Map<HostId, HostPart>())
  private readonly deps: ReaderDeps
  private filter: ActivityFilter = {}
  /** Answers to questions that are no longer asked are dropped. */
  private turn = 0
  private readonly told = new Map<HostId, number>()
  private readonly connectedSince = new Map<HostId, number>()

  constructor(deps: ReaderDeps) {
    this.deps = deps
  }

  start(hostIds: readonly HostId[], filter: ActivityFilter): void {
    this.stop()
    this.filter = filter
    for (const hostId of hostIds) this.change(hostId, {})
    this.takeUp()
  }

  stop(): void {
    this.turn += 1
    this.parts.clear()
    this.connectedSince.clear()
  }

  /** To be called when the fleet has changed: reads what hosts have told of, and hosts that have come back. */
  takeUp(): void {
    for (const hostId of [...this.parts.keys()]) {
      const connection = this.deps.host(hostId)?.connection
      if (connection?.kind !== 'connected') continue
      const isBack = this.connectedSince.get(hostId) !== connection.since
      this.connectedSince.set(hostId, connection.since)
      if (isBack) this.retry(hostId)
      else this.follow(hostId)
    }
  }

  retry(hostId: HostId): void {
    this.change(hostId, { failure: null })
    if (this.parts.get(hostId)?.readTo === null) this.readFirst(hostId)
    else this.follow(hostId)
  }

  readOn(): void {
    for (const hostId of hostsToReadOn([...this.parts.values()], this.deps.offsetOf)) this.readOlder(hostId)
  }

  showNews(): void {
    for (const { hostId, news, entries } of [...this.parts.values()]) {
      if (news.length > 0) this.change(hostId, { entries: [...news, ...entries], news: [] })
    }
  }

  private change(hostId: HostId, by: Partial<HostPart>): void {
    this.parts.set(hostId, { ...(this.parts.get(hostId) ?? { hostId, ...EMPTY }), ...by })
  }

  private readFirst(hostId: HostId): void {
    void this.read(hostId, {
      ask: (list) => readPage(list, this.filter),
      take: (page) => ({ ...page, news: [] }),
    })
  }

  private readOlder(hostId: HostId): void {
    const before = this.parts.get(hostId)?.entries.at(-1)?.seq
    if (before === undefined) return
    void this.read(hostId, {
      ask: (list) => readPage(list, this.filter, before),
      take: ({ entries, hasMore }, part) => ({ entries: [...part.entries, ...entries], hasMore }),
    })
  }

  /** Reads what was told of since; a record that has become shorter is another one, and is read anew. */
  private follow(hostId: HostId): void {
    const { readTo, failure, isReading } = this.parts.get(hostId) ?? EMPTY
    const told = this.deps.headOf(hostId)?.seq
    if (told === undefined || readTo === null || failure !== null || isReading) return
    const isShorter = told < (this.told.get(hostId) ?? 0)
    this.told.set(hostId, told)
    if (isShorter) this.readFirst(hostId)
    else if (told > readTo) {
      void this.read(hostId, {
        ask: (list) => readNews(list, this.filter, readTo),
        take: (page, part) => ({ readTo: Math.max(page.readTo, told), ...this.placed(page.entries, part) }),
      })
    }
  }

  private placed(entries: readonly ActivityEntry[], part: HostPart): Partial<HostPart> {
    if (this.deps.isHolding()) return { news: [...entries, ...part.news] }
    return { entries: [...entries, ...part.news, ...part.entries], news: [] }
  }

  private async read(hostId: HostId, { ask, take }: Question): Promise<void> {
    if (this.parts.get(hostId)?.isReading === true) return
    const { turn } = this
    this.change(hostId, { isReading: true })
    try {
      const page = await ask(this.deps.list(hostId))
      const part = this.parts.get(hostId)
      if (turn !== this.turn || part === undefined) return
      this.change(hostId, { ...take(page, part), isReading: false, failure: null, readAt: this.deps.now() })
      this.follow(hostId)
    } catch (error) {
      if (turn === this.turn) this.change(hostId, { isReading: false, failure: failureOf(error) })
    }
  }
}
