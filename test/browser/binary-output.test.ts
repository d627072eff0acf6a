import '@xterm/xterm/css/xterm.css'
import { expect, it, vi } from 'vitest'
import { TerminalScreen, type TerminalEvents } from '../../src-renderer/ui/console/terminal-screen.ts'

const SEED = 20_261_121
const CHUNK_BYTES = 64 * 1024
const CHUNKS = 32

function binaryChunks(): Uint8Array[] {
  let state = SEED
  const nextByte = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state >>> 24
  }
  return Array.from({ length: CHUNKS }, () => Uint8Array.from({ length: CHUNK_BYTES }, nextByte))
}

const answered = vi.fn<(bytes: Uint8Array) => void>()

const nobody: TerminalEvents = {
  onTyped: answered,
  onSelection: () => undefined,
  onFollow: () => undefined,
  onDrop: () => undefined,
  onMatches: () => undefined,
  onLink: () => undefined,
  onKey: () => true,
}

it('draws bytes that are no text to the last one, reports none and answers none', async () => {
  const element = document.createElement('div')
  element.style.cssText = 'width: 800px; height: 400px'
  document.body.append(element)
  const reports = vi.spyOn(console, 'error')
  const look = { isDark: true, fontSize: 13, isForScreenReader: false, hasGpu: false }
  const screen = new TerminalScreen(element, look, nobody)
  for (const bytes of binaryChunks()) {
    await new Promise<void>((resolve) => {
      screen.write(bytes, resolve)
    })
  }
  expect(reports).not.toHaveBeenCalled()
  expect(answered).not.toHaveBeenCalled()
  screen.dispose()
  element.remove()
})
