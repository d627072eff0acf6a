import { reactive, shallowRef } from 'vue'
import type { ConsoleTarget } from '../../../src-shared/contract/console-stream.ts'
import type { Disposable } from '../../../src-shared/lib/disposable.ts'
import type { MessageChannelLike } from '../../../src-shared/lib/message-channel.ts'
import type { ConsoleBoot } from '../../../src-shared/model/console.ts'
import type { BootId, EnvironmentId } from '../../../src-shared/model/ids.ts'
import { ConsoleSession, NEW_CONSOLE } from './console-session.ts'
import type { DropKind } from './output-guard.ts'
import { TerminalScreen, type TerminalLook } from './terminal-screen.ts'

/** Typed bytes kept while the keyboard is being asked for; more is not taken. */
const MOST_EARLY_BYTES = 4096
/** How old the offset on screen may be; drawing the page around the terminal costs as much as the terminal. */
const PRESENT_EVERY_MS = 100

export interface ConsoleControllerOptions {
  readonly environmentId: EnvironmentId
  open(target: ConsoleTarget): Promise<MessageChannelLike>
  /** Why this person may not type; null when they may. */
  typingBlock(): string | null
  /** The person wants to leave the terminal by keyboard. */
  onLeave(): void
}

/** One console on screen: a session, a terminal, and what the pane around them shows. */
export class ConsoleController implements Disposable {
  readonly state = shallowRef(NEW_CONSOLE)
  readonly drops = reactive<Record<DropKind, number>>({ reply: 0, clipboard: 0, title: 0, link: 0, report: 0 })
  readonly found = reactive({ index: -1, count: 0 })
  readonly flags = reactive({ hasSelection: false, isAtEnd: true })
  /** The address of a link that was clicked. */
  readonly link = shallowRef<string | null>(null)
  screen: TerminalScreen | undefined
  private readonly options: ConsoleControllerOptions
  private readonly session: ConsoleSession
  private early: Uint8Array[] = []
  private isDrawing = false
  private shown = NEW_CONSOLE

  constructor(options: ConsoleControllerOptions) {
    this.options = options
    this.session = new ConsoleSession({
      environmentId: options.environmentId,
      sink: {
        write: (bytes, done) => this.screen?.write(bytes, done),
        beginBoot: (boot) => this.screen?.beginBoot(boot),
        markGap: (gap) => this.screen?.markGap(gap),
      },
      open: (target) => options.open(target),
      onChange: () => this.changed(),
    })
  }

  mount(element: HTMLElement, look: TerminalLook): void {
    this.screen = new TerminalScreen(element, look, {
      onTyped: (bytes) => this.typed(bytes),
      onSelection: (hasSelection) => (this.flags.hasSelection = hasSelection),
      onFollow: (isAtEnd) => (this.flags.isAtEnd = isAtEnd),
      onDrop: (kind) => (this.drops[kind] += 1),
      onMatches: (index, count) => Object.assign(this.found, { index, count }),
      onLink: (address) => (this.link.value = address),
      onKey: (event) => this.takesKey(event),
    })
    this.session.open()
  }

  openBoot(bootId: BootId): void {
    this.screen?.clear()
    this.session.open(bootId)
  }

  noteBoot(boot: ConsoleBoot): void {
    this.session.noteBoot(boot)
  }

  togglePause(): void {
    this.session.setPaused(!this.session.snapshot.isPaused)
  }

  /** Asks for the keyboard and puts the focus into the terminal. */
  startTyping(takeOver: boolean): void {
    this.early = []
    if (!this.session.snapshot.lease.isMine) this.session.claimTyping(takeOver)
    this.screen?.focus()
  }

  stopTyping(): void {
    this.session.releaseTyping()
  }

  reconnectNow(): void {
    this.session.reconnectNow()
  }

  dispose(): void {
    this.session.dispose()
    this.screen?.dispose()
  }

  /** At once for what is rare; else at most so often: a flood changes the offset with every chunk that is drawn. */
  private changed(): void {
    const next = this.session.snapshot
    const isRare = next.link !== this.shown.link || next.lease !== this.shown.lease || next.boot !== this.shown.boot
    this.shown = next
    if (isRare) {
      this.present()
      return
    }
    if (this.isDrawing) return
    this.isDrawing = true
    setTimeout(() => this.present(), PRESENT_EVERY_MS)
  }

  private present(): void {
    this.isDrawing = false
    const { lease } = this.shown
    if (lease.isMine !== this.state.value.lease.isMine) this.screen?.setTyping(lease.isMine)
    this.state.value = this.shown
    if (lease.isMine) for (const bytes of this.early.splice(0)) this.session.type(bytes)
  }

  /** The first key asks for the keyboard; what is typed meanwhile follows once it is ours. */
  private typed(bytes: Uint8Array): void {
    if (this.session.type(bytes)) return
    const { lease, link } = this.session.snapshot
    if (this.options.typingBlock() !== null || lease.holder !== null || link.kind !== 'live') return
    if (this.early.reduce((sum, each) => sum + each.byteLength, 0) > MOST_EARLY_BYTES) return
    this.early.push(bytes)
    if (this.early.length === 1) this.session.claimTyping(false)
  }

  /** While someone only watches, keys that move the focus stay the window's. */
  private takesKey(event: KeyboardEvent): boolean {
    const isOurs = event.ctrlKey && event.shiftKey && ['KeyC', 'KeyF', 'KeyK', 'KeyL'].includes(event.code)
    if (isOurs && event.code === 'KeyL' && event.type === 'keydown') {
      event.preventDefault()
      this.options.onLeave()
    }
    if (isOurs) return false
    if (this.session.snapshot.lease.isMine) return true
    return event.key !== 'Tab' && event.key !== 'Escape' && !event.ctrlKey && !event.metaKey
  }
}
