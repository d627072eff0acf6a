import { z } from 'zod'
import { shownWords, wordsSchema } from '../../../src-shared/lib/foreign-words.ts'
import { LineSocket } from './line-socket.ts'

const messageSchema = z.looseObject({
  QMP: z.unknown().optional(),
  id: z.unknown().optional(),
  return: z.unknown().optional(),
  error: z.object({ class: z.string(), desc: z.string() }).optional(),
})
type Message = z.infer<typeof messageSchema>

/** QEMU may have been taken over by its guest: of what it says, no more is told on. */
const SAID_CHARACTERS = 500
const statusSchema = z.object({ status: wordsSchema(64) })

/** QEMU answered, and the answer is no. */
export class QmpRefusal extends Error {
  constructor(command: string, description: string) {
    super(`QEMU refused ${command}: ${shownWords(description, SAID_CHARACTERS)}`)
    this.name = 'QmpRefusal'
  }
}

/** States in which the guest can never run again, although the process lives. */
const DEAD_STATES = new Set(['internal-error', 'guest-panicked', 'shutdown'])

export function isDeadState(status: string): boolean {
  return DEAD_STATES.has(status)
}

/** One conversation with QEMU's monitor, which talks to one at a time: open, ask, close. */
export class QmpClient {
  private readonly line: LineSocket
  private readonly signal: AbortSignal
  private lastId = 0

  private constructor(line: LineSocket, signal: AbortSignal) {
    this.line = line
    this.signal = signal
  }

  /** The whole conversation is bounded by `signal`. Rejects with `LinkLost` or the signal's reason. */
  static async open(path: string, signal: AbortSignal): Promise<QmpClient> {
    const line = await LineSocket.open(path, signal)
    const client = new QmpClient(line, signal)
    try {
      await client.nextMessage((message) => message.QMP !== undefined)
      await client.execute('qmp_capabilities')
    } catch (error) {
      client.close()
      throw error
    }
    return client
  }

  /** Rejects with `QmpRefusal` where QEMU says no. Events that arrive meanwhile are dropped. */
  async execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown> {
    this.lastId += 1
    const id = this.lastId
    this.line.send(`${JSON.stringify({ execute: command, id, ...(args === undefined ? {} : { arguments: args }) })}\n`)
    const answer = await this.nextMessage((message) => message.id === id)
    if (answer.error !== undefined) throw new QmpRefusal(command, answer.error.desc)
    return answer.return
  }

  /** QEMU's own word for what the guest is doing, such as `running` or `internal-error`. */
  async status(): Promise<string> {
    return statusSchema.parse(await this.execute('query-status')).status
  }

  close(): void {
    this.line.close()
  }

  private async nextMessage(isWanted: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const line = await this.line.nextLine(this.signal)
      if (line.trim() === '') continue
      const message = messageSchema.parse(JSON.parse(line))
      if (isWanted(message)) return message
    }
  }
}
