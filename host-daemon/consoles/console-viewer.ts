import {
  CONSOLE_INPUT_BYTES,
  type ConsoleNotice,
  type ConsoleRequest,
} from '../../src-shared/contract/console-stream.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { ConsoleBoot, TypingLease } from '../../src-shared/model/console.ts'
import type { BootId, EnvironmentId, RequestId } from '../../src-shared/model/ids.ts'
import type { Actor } from '../../src-shared/model/operation.ts'
import { roleIncludes } from '../../src-shared/model/role.ts'
import type { Caller } from '../server/caller.ts'
import type { BootInputs } from './boot-inputs.ts'
import { ConsoleSession, type SessionOptions } from './console-session.ts'
import type { TypingLeases, Typist } from './typing-leases.ts'

export interface ViewerOptions {
  readonly session: SessionOptions
  readonly description: ConsoleBoot
  readonly caller: Caller
  readonly leases: TypingLeases
  readonly inputs: BootInputs
}

/** One viewer of one boot: bytes and notices out, acks, claims and typed bytes in. */
export class ConsoleViewer implements Typist {
  readonly bootId: BootId
  readonly environmentId: EnvironmentId
  readonly actor: Actor
  readonly requestId: RequestId
  private readonly options: ViewerOptions
  private readonly session: ConsoleSession
  private readonly closers: (() => void)[] = []
  private isClosed = false

  constructor(options: ViewerOptions) {
    this.options = options
    this.actor = options.caller.actor
    this.requestId = options.caller.requestId
    this.bootId = options.description.bootId
    this.environmentId = options.description.environmentId
    this.session = new ConsoleSession(options.session)
  }

  /** Serves until `close`. Rejects with what went wrong; the viewer is closed then. */
  async run(): Promise<void> {
    const { description: boot, session, leases } = this.options
    if (this.isClosed) return
    try {
      const opened = this.notify({ type: 'opened', boot, offset: session.offset, lease: leases.leaseFor(this) })
      // From the same moment on: no change of hands falls between what was said and what will be told.
      leases.join(this)
      await opened
      await this.session.run()
    } finally {
      this.close()
    }
  }

  onClosed(listener: () => void): void {
    this.closers.push(listener)
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.session.close()
    this.options.leases.leave(this)
    for (const listener of this.closers) listener()
  }

  bootChanged(): void {
    this.session.bootChanged()
    if (this.hasBootEnded()) this.options.leases.release(this)
  }

  onLeaseChanged(lease: TypingLease): void {
    // A viewer that cannot be told is gone, and its session finds that out.
    this.notify({ type: 'lease', lease }).catch(() => undefined)
  }

  /** Throws what is to be told to the viewer; the stream goes on. */
  async request(request: ConsoleRequest): Promise<void> {
    if (request.type === 'release-typing') {
      this.options.leases.release(this)
      return
    }
    if (request.type === 'claim-typing') {
      await this.claim(request.takeOver)
      return
    }
    if (this.session.ack(request.offset)) return
    throw new PilothouseError('invalid_request', `Offset ${request.offset} was acknowledged before it was sent.`)
  }

  /** Throws what is to be told to the viewer; the stream goes on, and none of these bytes were typed. */
  async type(bytes: Uint8Array): Promise<void> {
    this.refuseViewers()
    if (bytes.byteLength > CONSOLE_INPUT_BYTES) throw tooMuchTyped(bytes.byteLength)
    if (!this.options.leases.isHeldBy(this)) throw this.notTheTypist()
    await this.options.inputs.write(this.bootId, bytes)
  }

  private async claim(takeOver: boolean): Promise<void> {
    this.refuseViewers()
    if (this.hasBootEnded()) throw new PilothouseError('guest_gone', 'This boot has ended; nobody reads what is typed.')
    const outcome = this.options.leases.claim(this, { takeOver })
    if (outcome.kind === 'held') throw typingHeld(outcome.by)
    try {
      await this.options.inputs.open(this.bootId)
    } catch (error) {
      this.options.leases.release(this)
      throw error
    }
  }

  private refuseViewers(): void {
    const held = this.actor.role
    if (roleIncludes(held, 'operator')) return
    throw new PilothouseError('forbidden', `Typing needs the role operator; this connection has ${held}.`, {
      hint: 'Connect to operator.sock, or ask someone who has the role operator.',
      details: { needed: 'operator', held },
    })
  }

  private notTheTypist(): PilothouseError {
    const { holder } = this.options.leases.leaseFor(this)
    if (holder !== null) return typingHeld(holder)
    return new PilothouseError('typing_held', 'Nobody holds the keyboard of this console.', {
      hint: 'Claim the keyboard first; these bytes were not sent.',
    })
  }

  private hasBootEnded(): boolean {
    const { directory, boot } = this.options.session
    return (directory.boot(boot.bootId)?.endedAt ?? boot.endedAt) !== null
  }

  private async notify(notice: ConsoleNotice): Promise<void> {
    await this.options.session.outlet.send(JSON.stringify(notice))
  }
}

function typingHeld(by: Actor): PilothouseError {
  return new PilothouseError('typing_held', `${by.user} is typing into this console.`, { details: { holder: by } })
}

function tooMuchTyped(bytes: number): PilothouseError {
  return new PilothouseError(
    'input_too_large',
    `${bytes} bytes were typed at once; the most is ${CONSOLE_INPUT_BYTES}.`,
    {
      hint: `Send at most ${CONSOLE_INPUT_BYTES} typed bytes in one message; these were not sent.`,
      details: { limitBytes: CONSOLE_INPUT_BYTES },
    },
  )
}
