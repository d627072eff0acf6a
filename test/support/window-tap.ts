import type { Page } from 'playwright'
import { until } from '../../scripts/lib/until.ts'

/**
 * Keeps what reaches the page of the console's bytes, beside the renderer and without its help: every channel's
 * binary messages, by the offset that each carries. Installed before the page's own scripts, so it reloads the page.
 */
export async function tapWindow(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const kept = { bytes: new Uint8Array(1 << 20), end: 0 }
    Object.assign(globalThis, { pilothouseTap: kept })
    const keep = (data: unknown): void => {
      const frame = data instanceof ArrayBuffer ? new Uint8Array(data) : data
      if (!(frame instanceof Uint8Array)) return
      const offset = Number(new DataView(frame.buffer, frame.byteOffset).getBigUint64(0))
      const bytes = frame.subarray(8)
      if (offset + bytes.length > kept.bytes.length) {
        const larger = new Uint8Array(2 * (offset + bytes.length))
        larger.set(kept.bytes)
        kept.bytes = larger
      }
      kept.bytes.set(bytes, offset)
      kept.end = Math.max(kept.end, offset + bytes.length)
    }
    for (const channel of [MessagePort.prototype, WebSocket.prototype]) {
      channel.addEventListener = function (this: EventTarget, type: string, ...rest: [never, never]) {
        const [listener, options] = rest as unknown as [(event: Event) => void, AddEventListenerOptions | undefined]
        const tapped = (event: Event): void => {
          if (event instanceof MessageEvent) keep(event.data)
          listener.call(this, event)
        }
        EventTarget.prototype.addEventListener.call(this, type, type === 'message' ? tapped : listener, options)
      }
    }
  })
  await page.locator('#app > *').first().waitFor()
  await page.reload()
  await page.locator('#app > *').first().waitFor()
}

/** SHA-256 of the bytes that reached the page at `start`, as hex. */
export function tappedSha256(page: Page, start: number, length: number): Promise<string> {
  return page.evaluate(
    async ([from, count]) => {
      const { bytes } = (globalThis as unknown as { pilothouseTap: { bytes: Uint8Array<ArrayBuffer> } }).pilothouseTap
      const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes.slice(from, from + count)))
      return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('')
    },
    [start, length] as const,
  )
}

/** Resolves when the terminal on screen has drawn every byte below `offset`. */
export async function waitUntilDrawn(page: Page, offset: number, timeoutMs: number): Promise<void> {
  const console = page.getByTestId('console')
  const drawn = async (): Promise<number> => Number(await console.getAttribute('data-offset'))
  await until(async () => (await drawn()) >= offset, {
    what: `byte ${offset} to be drawn`,
    deadlineMs: timeoutMs,
    intervalMs: 200,
  }).catch(async (error: unknown) => {
    const link = await console.getAttribute('data-link')
    const end = await page.evaluate(
      () => (globalThis as unknown as { pilothouseTap: { end: number } }).pilothouseTap.end,
    )
    throw new Error(`drawn to ${await drawn()}, arrived to ${end}, link ${link}`, { cause: error })
  })
}
