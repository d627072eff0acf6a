/**
 * Pictures of every screen, both themes, wide and narrow, into test-results/screens/. Builds the renderer, serves it
 * with a fake main process behind it, and fails on anything the page complains of: an exception, a breach of the
 * content policy, a request that leaves the machine. Run: node test/browser/screens.ts [name…]
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type Browser, type Page } from 'playwright'
import { build } from 'vite'
import { findChromium } from '../../scripts/lib/chromium.ts'
import { FakeApp } from '../support/fake-app.ts'
import { serveFakeApp } from '../support/fake-app-server.ts'
import { RECORD_SCENES } from './record-scenes.ts'
import { RECOVERY_SCENES } from './recovery-scenes.ts'
import { RESTORE_SCENES } from './restore-scenes.ts'
import { SCENES, type Scene } from './scenes.ts'

const ROOT = join(import.meta.dirname, '../..')
const TARGET = join(ROOT, 'test-results/screens')
const SIZES = {
  wide: { width: 1440, height: 900 },
  narrow: { width: 760, height: 900 },
  huge: { width: 2560, height: 1400 },
} as const
const THEMES = ['dark', 'light'] as const

interface Look {
  readonly theme: (typeof THEMES)[number]
  readonly size: keyof typeof SIZES
}

const complaints: string[] = []

function listen(page: Page, where: string, address: string): void {
  page.on('pageerror', (error) => complaints.push(`${where}: ${error.stack ?? error.message}`))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(`${where}: ${message.text()}`)
  })
  page.on('request', (request) => {
    const url = request.url()
    const isOurs = url.startsWith(address) || url.startsWith('blob:') || url.startsWith('data:')
    if (!isOurs) complaints.push(`${where}: asked for ${url}`)
  })
}

async function picture(browser: Browser, scene: Scene, look: Look): Promise<void> {
  const name = `${scene.name}-${look.size}-${look.theme}`
  const app = new FakeApp(scene.fleet())
  const server = await serveFakeApp(join(ROOT, 'out/renderer'), app)
  const context = await browser.newContext({
    viewport: SIZES[look.size],
    colorScheme: look.theme,
    reducedMotion: 'reduce',
    locale: 'en-GB',
  })
  try {
    const page = await context.newPage()
    listen(page, name, server.address)
    scene.prepare?.(app)
    await page.goto(`${server.address}#${scene.path ?? '/environments'}`)
    await scene.arrive(page, app)
    await page.screenshot({ path: join(TARGET, `${name}.png`) })
  } finally {
    await context.close()
    await server.close()
  }
}

const wanted = process.argv.slice(2)
const scenes = [...SCENES, ...RECORD_SCENES, ...RECOVERY_SCENES, ...RESTORE_SCENES].filter(
  ({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)),
)
await build({ configFile: join(ROOT, 'vite.renderer.config.ts'), logLevel: 'error' })
await mkdir(TARGET, { recursive: true })
const browser = await chromium.launch({
  executablePath: findChromium() ?? 'chromium',
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
})
for (const scene of scenes) {
  for (const size of scene.sizes ?? ['wide', 'narrow']) {
    for (const theme of THEMES) {
      await picture(browser, scene, { theme, size }).catch((error: unknown) => {
        complaints.push(`${scene.name}-${size}-${theme}: ${String(error)}`)
      })
    }
  }
}
await browser.close()
for (const complaint of complaints) console.error(complaint)
console.log(`${scenes.length} scenes, ${complaints.length} complaints`)
process.exitCode = complaints.length === 0 ? 0 : 1
