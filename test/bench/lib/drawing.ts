import type { Page } from 'playwright'

/**
 * Milliseconds from the first bytes on screen to the last line on screen, as the page's own frames see them: opening
 * is not throughput. Called before the console is opened; the same eyes watch both pages.
 */
export function watchDrawing(page: Page, lastLine: string): Promise<number> {
  return page.evaluate(
    (wanted) =>
      new Promise<number>((resolve) => {
        let startedAt: number | undefined
        const look = (now: number): void => {
          const shown = document.querySelector('[data-testid=console]')?.getAttribute('data-offset') ?? '0'
          if (Number(shown) > 0) startedAt ??= now
          const rows = document.querySelector('[data-testid=console-terminal] .xterm-rows')
          const text = startedAt === undefined ? '' : (rows?.textContent ?? '').replaceAll('\u00a0', ' ')
          if (startedAt !== undefined && text.includes(wanted)) resolve(now - startedAt)
          else requestAnimationFrame(look)
        }
        requestAnimationFrame(look)
      }),
    lastLine,
  )
}
