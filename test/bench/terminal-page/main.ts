/** The console's own terminal and drawing queue, fed from memory: what they can do with nothing behind them. */
import '@fontsource-variable/jetbrains-mono'
import '@xterm/xterm/css/xterm.css'
import { CONSOLE_CHUNK_BYTES } from '../../../src-shared/contract/console-stream.ts'
import { DrawQueue } from '../../../src-renderer/ui/console/draw-queue.ts'
import { hasRealGpu } from '../../../src-renderer/ui/console/gpu.ts'
import { TerminalScreen } from '../../../src-renderer/ui/console/terminal-screen.ts'
import type { ConsoleBoot } from '../../../src-shared/model/console.ts'

export interface TerminalPage {
  /** Appends to the bytes that `start` draws. */
  load(base64: string): void
  /** A new terminal of that size; then every byte, from the first. */
  start(look: {
    readonly width: number
    readonly height: number
    readonly fontSize: number
    readonly isDark: boolean
  }): void
  stop(): void
}

declare global {
  interface Window {
    terminalPage: TerminalPage
  }
}

const TELL_EVERY_MS = 100
const nothing = () => undefined
const parts: Uint8Array[] = []
let screen: TerminalScreen | undefined

function element(): HTMLElement {
  const found = document.getElementById('terminal')
  if (found === null) throw new Error('the page has no terminal')
  return found
}

function newScreen(look: Parameters<TerminalPage['start']>[0]): TerminalScreen {
  const place = element()
  place.style.width = `${look.width}px`
  place.style.height = `${look.height}px`
  const events = {
    onTyped: nothing,
    onSelection: nothing,
    onFollow: nothing,
    onDrop: nothing,
    onMatches: nothing,
    onLink: nothing,
    onKey: () => true,
  }
  return new TerminalScreen(place, { ...look, isForScreenReader: false, hasGpu: hasRealGpu() }, events)
}

function drawAll(target: TerminalScreen): void {
  const { dataset } = element().parentElement as HTMLElement
  let lastToldAt = 0
  // As seldom as the console's own page says it.
  const tell = (offset: number): void => {
    if (performance.now() - lastToldAt < TELL_EVERY_MS) return
    lastToldAt = performance.now()
    dataset['offset'] = String(offset)
  }
  const queue = new DrawQueue(target, tell)
  queue.begin({ ordinal: 1, startedAt: Date.now() } as ConsoleBoot, 0)
  let offset = 0
  for (const bytes of parts) {
    queue.push({ offset, bytes })
    offset += bytes.byteLength
  }
}

window.terminalPage = {
  load: (base64) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
    for (let at = 0; at < bytes.byteLength; at += CONSOLE_CHUNK_BYTES)
      parts.push(bytes.slice(at, at + CONSOLE_CHUNK_BYTES))
  },
  start: (look) => {
    screen = newScreen(look)
    drawAll(screen)
  },
  stop: () => {
    screen?.dispose()
    screen = undefined
    delete (element().parentElement as HTMLElement).dataset['offset']
  },
}
