// eslint-disable-next-line @typescript-eslint/triple-slash-reference -- it declares modules and is none itself
/// <reference path="../../src-renderer/env.d.ts" />
import '@xterm/xterm/css/xterm.css'
import '../../src-renderer/styles/main.css'
import { afterEach, expect } from 'vitest'
import { page } from 'vitest/browser'
import { createPilothouse } from '../../src-renderer/create-pilothouse.ts'
import type { FakeApp } from '../support/fake-app.ts'

let end: () => void = () => undefined
const warnings: string[] = []
afterEach(() => {
  end()
  expect(warnings.splice(0)).toEqual([])
})

/** The whole renderer on a fake main process, at `path`, in a window of its own size; gone after the test. */
export async function mountPilothouse(fake: FakeApp, path = '/environments'): Promise<void> {
  await page.viewport(1440, 900)
  localStorage.clear()
  location.hash = path
  const root = document.createElement('div')
  root.id = 'app'
  document.body.append(root)
  const app = createPilothouse(fake.transport())
  app.config.warnHandler = (message) => warnings.push(message)
  app.mount(root)
  end = () => {
    end = () => undefined
    app.unmount()
    root.remove()
  }
}

/** The one element with this test id; fails at once when it is not there. */
export function element(testId: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`[data-testid="${testId}"]`)
  if (found === null) throw new Error(`There is no ${testId} on screen.`)
  return found
}

/** Resolves when `isSo` has become true; fails with `what` after `timeoutMs`. */
export async function until(isSo: () => boolean, what: string, timeoutMs = 5000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline;) {
    if (isSo()) return
    await new Promise((resolve) => requestAnimationFrame(resolve))
  }
  throw new Error(`It did not come to this in time: ${what}`)
}

/** Resolves when the element with this test id says `text` somewhere. */
export async function says(testId: string, text: string | RegExp, timeoutMs = 5000): Promise<void> {
  const found = (): string => document.querySelector(`[data-testid="${testId}"]`)?.textContent ?? ''
  const isSaid = (): boolean => (typeof text === 'string' ? found().includes(text) : text.test(found()))
  await until(isSaid, `${testId} says ${String(text)}`, timeoutMs).catch((error: unknown) => {
    throw new Error(`${String(error)}; it says: ${found()}`)
  })
}

/** The rows of text that the terminal shows. */
export function terminalText(): string {
  return [...document.querySelectorAll('.xterm-rows > div')].map((row) => row.textContent.trimEnd()).join('\n')
}
