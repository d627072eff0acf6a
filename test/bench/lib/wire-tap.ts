import type { Page } from 'playwright'

/** What the console's channel carried into the page, put together again by offset. */
export interface Received {
  readonly offset: number
  readonly bytes: number
  readonly sha256: string
  /** Frames that did not begin where the one before had ended. */
  readonly misplaced: number
}

/** Keeps a reference to every binary message that comes into the page, from its next load on. */
export async function tapWire(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const frames: ArrayBuffer[] = []
    Object.assign(window, { wireFrames: frames })
    window.WebSocket = class extends WebSocket {
      constructor(...words: ConstructorParameters<typeof WebSocket>) {
        super(...words)
        this.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
          if (data instanceof ArrayBuffer) frames.push(data)
        })
      }
    }
  })
  await page.reload()
}

/** Hashes what came since the last time, and forgets it. */
export function takeReceived(page: Page): Promise<Received> {
  return page.evaluate(async () => {
    const OFFSET_BYTES = 8
    const { wireFrames } = window as unknown as { wireFrames: ArrayBuffer[] }
    const frames = wireFrames.splice(0)
    const offsetOf = (frame: ArrayBuffer) => Number(new DataView(frame).getBigUint64(0))
    const offset = frames[0] === undefined ? 0 : offsetOf(frames[0])
    let end = offset
    let misplaced = 0
    for (const frame of frames) {
      if (offsetOf(frame) !== end) misplaced += 1
      end = offsetOf(frame) + frame.byteLength - OFFSET_BYTES
    }
    const whole = new Blob(frames.map((frame) => new Uint8Array(frame, OFFSET_BYTES)))
    const digest = await crypto.subtle.digest('SHA-256', await whole.arrayBuffer())
    const sha256 = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    return { offset, bytes: whole.size, sha256, misplaced }
  })
}
