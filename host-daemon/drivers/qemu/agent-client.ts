import { z } from 'zod'
import type { Clock } from '../../../src-shared/lib/clock.ts'
import { shownWords } from '../../../src-shared/lib/foreign-words.ts'
import { TimeLimit } from '../../system/time-limit.ts'
import { LineSocket } from './line-socket.ts'

const answerSchema = z.looseObject({
  return: z.unknown().optional(),
  error: z.object({ class: z.string(), desc: z.string() }).optional(),
})
const countSchema = z.int().min(0)
type Answer = z.infer<typeof answerSchema>

/** Makes the agent drop half a request, and marks the answer to a sync: no JSON has this byte. */
const SENTINEL = '\u00ff'
/** What the agent says of a sentinel, before it answers the sync behind it. What is asked here is proper JSON. */
const SENTINEL_REFUSED = /^JSON parse error, stray /
/** A sync that was written while no agent read may be lost: it is sent again, each with a number of its own. */
const RESYNC_MS = 500
/** Of what a guest says, no more is told on. */
const SAID_CHARACTERS = 200

export interface AgentOptions {
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly firstSyncId: number
  /** Disposed of when the conversation is closed. */
  readonly limit?: Disposable
  /** Strings in answers are cut there, in characters; without it they are whole, and a long answer ends everything. */
  readonly cutStringsAt?: number
}

/** The agent answered, and the answer is no. Its description is the guest's word, of any length: cut, and made visible. */
export class AgentRefusal extends Error {
  constructor(command: string, description: string) {
    super(`The guest's agent refused ${command}: ${shownWords(description, SAID_CHARACTERS)}`)
    this.name = 'AgentRefusal'
  }
}

/**
 * One conversation with a guest's agent, which is hostile, may be silent, and hears one client at a time.
 * It begins with a sync, since the channel may still hold answers to someone who has left.
 */
export class AgentClient {
  private readonly line: LineSocket
  private readonly options: AgentOptions
  private readonly syncIds = new Set<number>()

  private constructor(line: LineSocket, options: AgentOptions) {
    this.line = line
    this.options = options
  }

  /**
   * Resolves as soon as the agent answers, however late: nothing is polled, the request waits in the channel.
   * `signal` bounds the whole conversation. `firstSyncId` is a large number, unlike that of earlier
   * conversations and unlike anything a command returns.
   */
  static async open(path: string, options: AgentOptions): Promise<AgentClient> {
    const line = await LineSocket.open(path, options.signal, options)
    const client = new AgentClient(line, options)
    try {
      await client.synchronise(options.firstSyncId)
    } catch (error) {
      client.close()
      throw error
    }
    return client
  }

  /** Rejects with `AgentRefusal` where the agent says no. */
  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    this.line.send(`${asciiJson({ execute: command, ...(args === undefined ? {} : { arguments: args }) })}\n`)
    let answer = await this.nextAnswer(this.signal)
    // Of several syncs the first answer counts; what is said of the others may come late.
    while (this.isSync(answer) || isOfSentinel(answer)) answer = await this.nextAnswer(this.signal)
    if (answer.error !== undefined) throw new AgentRefusal(command, answer.error.desc)
    return answer.return
  }

  async ping(): Promise<void> {
    await this.execute('guest-ping')
  }

  async isFrozen(): Promise<boolean> {
    return (await this.execute('guest-fsfreeze-status')) === 'frozen'
  }

  /** Holds all writing in the guest's file systems, what was written before being on its disks; how many it holds. */
  async freeze(): Promise<number> {
    return countSchema.parse(await this.execute('guest-fsfreeze-freeze'))
  }

  /** Lets writing go on; of how many file systems. 0 where nothing was frozen any more. */
  async thaw(): Promise<number> {
    return countSchema.parse(await this.execute('guest-fsfreeze-thaw'))
  }

  close(): void {
    this.line.close()
    this.options.limit?.[Symbol.dispose]()
  }

  private get signal(): AbortSignal {
    return this.options.signal
  }

  private async synchronise(firstSyncId: number): Promise<void> {
    for (let id = firstSyncId; ; id += 1) {
      this.syncIds.add(id)
      this.line.send(`${SENTINEL}${JSON.stringify({ execute: 'guest-sync-delimited', arguments: { id } })}\n`)
      using pause = new TimeLimit(this.options.clock, RESYNC_MS)
      if (await this.isSynchronised(pause)) return
    }
  }

  /** False when no sync was answered in time. */
  private async isSynchronised(pause: TimeLimit): Promise<boolean> {
    const either = AbortSignal.any([this.signal, pause.signal])
    try {
      while (!this.isSync(await this.nextAnswer(either)));
      return true
    } catch (error) {
      if (pause.isOver && !this.signal.aborted && !this.line.isLost) return false
      throw error
    }
  }

  private isSync(answer: Answer): boolean {
    return typeof answer.return === 'number' && this.syncIds.has(answer.return)
  }

  /** Lines that are no answer (left over, or cut in half) are skipped. */
  private async nextAnswer(signal: AbortSignal): Promise<Answer> {
    for (;;) {
      const line = await this.line.nextLine(signal)
      const answer = answerSchema.safeParse(parseJson(line.slice(line.lastIndexOf(SENTINEL) + 1)))
      if (answer.success) return answer.data
    }
  }
}

function isOfSentinel({ error }: Answer): boolean {
  return error !== undefined && SENTINEL_REFUSED.test(error.desc)
}

/** The line carries bytes: what is not ASCII is written as JSON can. */
function asciiJson(value: unknown): string {
  const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  return JSON.stringify(value).replaceAll(/[\u0080-\uffff]/g, escaped)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
