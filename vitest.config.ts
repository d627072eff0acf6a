import './scripts/lib/require-node.ts'
import { playwright } from '@vitest/browser-playwright'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { findChromium } from './scripts/lib/chromium.ts'
import { rendererPlugins } from './vite.renderer.config.ts'

const isRoot = process.getuid?.() === 0

/** A project of tests in Node. Of `isAlone` ones one file runs at a time: they kill, measure, or open windows. */
function nodeProject(name: string, options: { timeoutMs: number; isAlone?: boolean; include?: string }) {
  const { timeoutMs, isAlone = false, include = `test/${name}/**/*.test.ts` } = options
  return {
    test: {
      name,
      include: [include],
      environment: 'node',
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
      fileParallelism: !isAlone,
      ...(isAlone ? { maxWorkers: 1 } : {}),
    },
  } satisfies TestProjectInlineConfiguration
}

const browserProject = {
  plugins: [rendererPlugins()],
  test: {
    name: 'browser',
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 20_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({
        launchOptions: { executablePath: findChromium() ?? 'chromium', args: isRoot ? ['--no-sandbox'] : [] },
      }),
      instances: [{ browser: 'chromium' }],
    },
  },
} satisfies TestProjectInlineConfiguration

/** One project a stage of `npm test`; each also runs alone: `npx vitest run --project unit`. */
export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      nodeProject('unit', { timeoutMs: 10_000 }),
      nodeProject('contract', { timeoutMs: 20_000 }),
      nodeProject('conformance', { timeoutMs: 180_000 }),
      nodeProject('integration', { timeoutMs: 180_000 }),
      nodeProject('faults', { timeoutMs: 300_000, isAlone: true }),
      nodeProject('e2e', { timeoutMs: 300_000, isAlone: true, include: 'test/e2e/**/*.e2e.ts' }),
      browserProject,
    ],
  },
})
