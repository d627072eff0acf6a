import { FitAddon } from '@xterm/addon-fit'
import { SearchAddon } from '@xterm/addon-search'
import { Terminal, type ITerminalOptions } from '@xterm/xterm'
import { DisposableStore, type Disposable } from '../../../src-shared/lib/disposable.ts'
import type { ConsoleBoot, ConsoleGap } from '../../../src-shared/model/console.ts'
import { exactText } from '../../lib/format.ts'
import { gapText } from './console-session.ts'
import type { ConsoleSink } from './draw-queue.ts'
import { guardOutput, webAddressOf, type DropKind } from './output-guard.ts'
import { matchLook, terminalTheme } from './terminal-theme.ts'

const SCROLLBACK_LINES = 20_000

/** Ends a half-read sequence, leaves the alternate screen, mouse modes and colours of what came before. */
const SETTLE = '\x18\x1b[?1047l\x1b[?1000;1002;1003;1006l\x1b[?2004l\x1b[!p\x1b[0m'

export interface TerminalLook {
  readonly isDark: boolean
  readonly fontSize: number
  readonly isForScreenReader: boolean
  readonly hasGpu: boolean
}

export interface TerminalEvents {
  /** What a person typed or pasted; never an answer to the guest. */
  onTyped(bytes: Uint8Array): void
  onSelection(hasSelection: boolean): void
  /** Whether the newest line is in view. */
  onFollow(isAtEnd: boolean): void
  onDrop(kind: DropKind): void
  onMatches(index: number, count: number): void
  /** A plain web address was clicked; nothing has been opened. */
  onLink(address: string): void
  /** A key before the terminal sees it; false keeps it from the terminal. */
  onKey(event: KeyboardEvent): boolean
}

function optionsFor(look: TerminalLook): ITerminalOptions {
  return {
    allowProposedApi: true,
    cursorBlink: false,
    cursorInactiveStyle: 'outline',
    fontFamily: "'JetBrains Mono Variable', ui-monospace, monospace",
    fontSize: look.fontSize,
    lineHeight: 1.25,
    // Bytes that are no text would write a report each; the guest decides how many.
    logLevel: 'off',
    scrollback: SCROLLBACK_LINES,
    screenReaderMode: look.isForScreenReader,
    theme: terminalTheme(look.isDark),
  }
}

/** One xterm, made deaf to hostile output, that fits its element. Owns everything it creates until disposed. */
export class TerminalScreen implements ConsoleSink, Disposable {
  private readonly terminal: Terminal
  private readonly disposables = new DisposableStore()
  private readonly fit = new FitAddon()
  private readonly search = new SearchAddon()
  private readonly encoder = new TextEncoder()
  private isBlank = true
  private isDark: boolean

  constructor(element: HTMLElement, look: TerminalLook, events: TerminalEvents) {
    this.isDark = look.isDark
    this.terminal = this.disposables.add(new Terminal({ ...optionsFor(look), linkHandler: linkHandlerFor(events) }))
    this.terminal.loadAddon(this.fit)
    this.terminal.loadAddon(this.search)
    this.disposables.add(guardOutput(this.terminal.parser, (kind) => events.onDrop(kind)))
    this.terminal.open(element)
    if (look.hasGpu) void this.drawWithGpu()
    this.listen(events)
    this.fitTo(element)
  }

  write(bytes: Uint8Array, done: () => void): void {
    this.terminal.write(bytes, done)
  }

  beginBoot(boot: ConsoleBoot): void {
    this.mark(`boot ${boot.ordinal} · ${exactText(boot.startedAt)}`)
  }

  markGap(gap: ConsoleGap): void {
    this.mark(gapText(gap))
  }

  setLook(look: TerminalLook): void {
    this.isDark = look.isDark
    this.terminal.options.theme = terminalTheme(look.isDark)
    this.terminal.options.fontSize = look.fontSize
    this.terminal.options.screenReaderMode = look.isForScreenReader
    this.refit()
  }

  /** Whether a cursor is drawn as one that types. */
  setTyping(isTyping: boolean): void {
    this.terminal.options.cursorBlink = isTyping
    this.terminal.options.cursorStyle = isTyping ? 'block' : 'underline'
  }

  focus(): void {
    this.terminal.focus()
  }

  clear(): void {
    this.terminal.reset()
    this.isBlank = true
  }

  scrollToEnd(): void {
    this.terminal.scrollToBottom()
  }

  find(text: string, direction: 'next' | 'previous', isIncremental = false): void {
    const options = { decorations: matchLook(this.isDark), incremental: isIncremental }
    if (direction === 'next') this.search.findNext(text, options)
    else this.search.findPrevious(text, options)
  }

  endFind(): void {
    this.search.clearDecorations()
    this.terminal.clearSelection()
  }

  get selection(): string {
    return this.terminal.getSelection()
  }

  /** What the terminal holds, scrollback first, as plain text without trailing blanks. */
  text(): string {
    const { buffer } = this.terminal
    const lines: string[] = []
    for (let index = 0; index < buffer.normal.length; index += 1) {
      const line = buffer.normal.getLine(index)
      const text = line?.translateToString(true) ?? ''
      if (line?.isWrapped === true && lines.length > 0) lines.push(`${lines.pop() ?? ''}${text}`)
      else lines.push(text)
    }
    return `${lines.join('\n').trimEnd()}\n`
  }

  dispose(): void {
    this.disposables.dispose()
  }

  private mark(text: string): void {
    this.terminal.write(`${SETTLE}${this.isBlank ? '' : '\r\n'}\x1b[2m── ${text} ──\x1b[0m\r\n`)
    this.isBlank = false
  }

  private listen(events: TerminalEvents): void {
    const { terminal, disposables } = this
    disposables.add(terminal.onData((data) => events.onTyped(this.encoder.encode(data))))
    disposables.add(terminal.onBinary((data) => events.onTyped(Uint8Array.from(data, (char) => char.charCodeAt(0)))))
    disposables.add(terminal.onSelectionChange(() => events.onSelection(terminal.hasSelection())))
    disposables.add(terminal.onRender(() => events.onFollow(this.isAtEnd())))
    disposables.add(this.search.onDidChangeResults((found) => events.onMatches(found.resultIndex, found.resultCount)))
    terminal.attachCustomKeyEventHandler((event) => events.onKey(event))
  }

  /** Falls back to the DOM by itself when the context is lost or cannot be had. */
  private async drawWithGpu(): Promise<void> {
    const { WebglAddon } = await import('@xterm/addon-webgl')
    if (this.disposables.isDisposed) return
    try {
      const addon = new WebglAddon()
      addon.onContextLoss(() => addon.dispose())
      this.terminal.loadAddon(addon)
    } catch {
      // The DOM renderer stays.
    }
  }

  private isAtEnd(): boolean {
    const { baseY, viewportY } = this.terminal.buffer.active
    return viewportY >= baseY
  }

  private fitTo(element: HTMLElement): void {
    const observer = new ResizeObserver(() => this.refit())
    this.disposables.defer(() => observer.disconnect())
    observer.observe(element)
    this.refit()
  }

  private refit(): void {
    const size = this.fit.proposeDimensions()
    if (size === undefined || Number.isNaN(size.cols) || Number.isNaN(size.rows)) return
    this.terminal.resize(Math.max(20, size.cols), Math.max(4, size.rows))
  }
}

function linkHandlerFor(events: TerminalEvents): NonNullable<ITerminalOptions['linkHandler']> {
  return {
    activate: (_event, text) => {
      const address = webAddressOf(text)
      if (address !== null) events.onLink(address)
    },
    allowNonHttpProtocols: false,
  }
}
