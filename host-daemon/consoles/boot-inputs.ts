import { PilothouseError } from '../../src-shared/error.ts'
import type { BootId } from '../../src-shared/model/ids.ts'
import type { ConsoleInput } from '../drivers/vm-driver.ts'
import type { BootDirectory } from './boot-directory.ts'

/** Most typed bytes that may wait for one guest to take them. */
const PENDING_BYTES = 256 * 1024

interface OpenInput {
  readonly input: Promise<ConsoleInput>
  pendingBytes: number
}

/** One input for each boot that somebody types into, kept open until the boot ends: engines take one client only. */
export class BootInputs {
  private readonly directory: BootDirectory
  private readonly inputs = new Map<BootId, OpenInput>()

  constructor(directory: BootDirectory) {
    this.directory = directory
  }

  /** Rejects with `guest_gone` when there is nobody to type to. */
  async open(bootId: BootId): Promise<void> {
    await this.opened(bootId).input
  }

  /**
   * Resolves when the engine has the bytes, in the order of the calls. Rejects with `guest_gone`, or with
   * `input_too_large` when the guest has too much to read already; then none of these bytes were typed.
   */
  async write(bootId: BootId, bytes: Uint8Array): Promise<void> {
    const open = this.opened(bootId)
    if (open.pendingBytes + bytes.byteLength > PENDING_BYTES) throw guestDoesNotRead(open.pendingBytes)
    open.pendingBytes += bytes.byteLength
    try {
      const input = await open.input
      await input.write(bytes)
    } catch (cause) {
      this.drop(bootId, open)
      throw asGuestGone(cause)
    } finally {
      open.pendingBytes -= bytes.byteLength
    }
  }

  close(bootId: BootId): void {
    const open = this.inputs.get(bootId)
    if (open !== undefined) this.drop(bootId, open)
  }

  closeAll(): void {
    for (const bootId of [...this.inputs.keys()]) this.close(bootId)
  }

  private opened(bootId: BootId): OpenInput {
    const known = this.inputs.get(bootId)
    if (known !== undefined) return known
    const open: OpenInput = { input: this.directory.openInput(bootId), pendingBytes: 0 }
    this.inputs.set(bootId, open)
    open.input.catch(() => this.drop(bootId, open))
    return open
  }

  /** The next write opens a new one. */
  private drop(bootId: BootId, open: OpenInput): void {
    if (this.inputs.get(bootId) === open) this.inputs.delete(bootId)
    open.input.then((input) => input.close()).catch(() => undefined)
  }
}

function guestDoesNotRead(pendingBytes: number): PilothouseError {
  return new PilothouseError('input_too_large', `The guest has not read the last ${pendingBytes} bytes typed.`, {
    hint: 'Wait until the guest reads its console, then type again; these bytes were not sent.',
    retryable: true,
    details: { pendingBytes, limitBytes: PENDING_BYTES },
  })
}

function asGuestGone(cause: unknown): PilothouseError {
  if (cause instanceof PilothouseError) return cause
  const says = cause instanceof Error ? cause.message : String(cause)
  return new PilothouseError('guest_gone', `The guest's console does not take input: ${says}`, { cause })
}
