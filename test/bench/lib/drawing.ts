import type { Page } from 'playwright'

export interface Span {
  /** The clock starts when this offset is on screen: opening is not throughput. */
  readonly from: number
  /** And stops when this one is. */
  readonly to: number
}

/**
 * Milliseconds between two offsets on screen, as the page's own frames see them. Called before the console is opened;
 * the same eyes watch both pages.
 */
export function watchDrawing(page: Page, span: Span): Promise<number> {
  return page.evaluate(
    ({ from, to }) =>
      new Promise<number>((resolve) => {
        let startedAt: number | undefined
        const look = (now: number): void => {
          const shown = document.querySelector('[data-testid=console]')?.getAttribute('data-offset') ?? '0'
          const offset = Number(shown)
          if (offset >= from) startedAt ??= now
          if (startedAt !== undefined && offset >= to) resolve(now - startedAt)
          else requestAnimationFrame(look)
        }
        requestAnimationFrame(look)
      }),
    span,
  )
}

/** The last line that has any text, of the rows on screen. */
export async function lastLineOnScreen(page: Page): Promise<string> {
  const rows = await page.locator('[data-testid=console-terminal] .xterm-rows > div').allInnerTexts()
  const lines = rows.map((row) => row.replaceAll('\u00a0', ' ').trimEnd()).filter((row) => row !== '')
  return lines.at(-1) ?? ''
}
