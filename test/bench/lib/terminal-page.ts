import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import type { BrowserContext, Page } from 'playwright'
import { build } from 'vite'

/** Nobody's: every request to it is answered from the built files. */
const ORIGIN = 'http://terminal.invalid'
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.woff2': 'font/woff2',
}
const PART_BYTES = 3 * 1024 * 1024

/** Opens the page with the terminal alone in the same browser, and hands it the bytes. */
export async function openTerminalPage(context: BrowserContext, payload: Buffer): Promise<Page> {
  const folder = await mkdtemp(join(tmpdir(), 'pilothouse-terminal-'))
  try {
    const root = join(import.meta.dirname, '..', 'terminal-page')
    await build({ configFile: false, root, logLevel: 'error', build: { outDir: folder, target: 'chrome130' } })
    const page = await context.newPage()
    await page.route(`${ORIGIN}/**`, async (route) => {
      const { pathname } = new URL(route.request().url())
      const name = pathname === '/' ? 'index.html' : pathname.slice(1)
      await route.fulfill({
        body: await readFile(join(folder, name)),
        contentType: TYPES[extname(name)] ?? 'text/plain',
      })
    })
    await page.goto(ORIGIN)
    await page.waitForFunction(() => 'terminalPage' in window)
    await page.evaluate(() => document.fonts.load("13px 'JetBrains Mono Variable'"))
    for (let at = 0; at < payload.length; at += PART_BYTES) {
      const part = payload.subarray(at, at + PART_BYTES).toString('base64')
      await page.evaluate((base64) => {
        window.terminalPage.load(base64)
      }, part)
    }
    return page
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
