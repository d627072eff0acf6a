import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../../scripts/lib/paths.ts'
import { runAny } from '../../scripts/lib/run.ts'
import { hostLayout } from '../../scripts/private-host/layout.ts'
import { processesInView } from '../../scripts/private-host/view.ts'
import type { CheckResult } from '../../scripts/quickstart/check.ts'
import { SHELLS } from '../support/test-window.ts'

let parent: string
let folder: string
let env: Record<string, string | undefined>

beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'quickstart-'))
  folder = join(parent, 'state')
  env = { ...process.env, PILOTHOUSE_QUICKSTART_DIR: folder, DISPLAY: '', WAYLAND_DISPLAY: '' }
})

afterAll(async () => {
  await runAny(['npm', 'run', '--silent', 'quickstart', '--', '--clean'], { cwd: ROOT, env })
  await rm(parent, { recursive: true, force: true })
})

/** Whatever still runs of this quickstart: in the host's view, or with its folder in its environment. */
async function stillRunning(): Promise<string[]> {
  const inView = (await processesInView(hostLayout(folder))).map(({ pid }) => String(pid))
  const pids = (await readdir('/proc')).filter((name) => /^[0-9]+$/.test(name) && name !== String(process.pid))
  const texts = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')))
  return [...inView, ...pids.filter((_, index) => texts[index]?.includes(folder))]
}

async function check(): Promise<CheckResult> {
  const argv = ['npm', 'run', '--silent', 'quickstart', '--', '--check']
  const { exitCode, stdout, output } = await runAny(argv, { cwd: ROOT, env, deadlineMs: 480_000 })
  expect(exitCode, output).toBe(0)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as CheckResult
}

describe('npm run quickstart -- --check', () => {
  it('drives the real window through the whole journey and leaves nothing running', async () => {
    const result = await check()
    expect(result).toMatchObject({ ok: true, shell: SHELLS[0] })
    expect(await stillRunning()).toEqual([])
  })

  it('is warm the second time: to a typed character within 20 s', async () => {
    const { timesMs } = await check()
    expect(timesMs['typed']).toBeLessThan(20_000)
  })
})

describe('npm run quickstart', () => {
  it('says the web shell’s address where there is no display, and stops everything when it is interrupted', async () => {
    const child = spawn('npm', ['run', '--silent', 'quickstart'], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const exited = once(child, 'exit')
    let address: string | undefined
    for await (const line of createInterface({ input: child.stderr, signal: AbortSignal.timeout(120_000) })) {
      address = /^http:\/\/127\.0\.0\.1:\d+\/\?token=\S+#\/environments\/host-\S+$/.exec(line)?.[0]
      if (address !== undefined) break
    }
    child.stderr.resume()
    const page = await fetch(address?.split('#')[0] ?? '')
    expect(await page.text()).toContain('<title>Pilothouse</title>')
    expect(await processesInView(hostLayout(folder))).not.toEqual([])
    child.kill('SIGTERM')
    await exited
    // npm does not wait for what it has started.
    await expect.poll(stillRunning, { timeout: 60_000 }).toEqual([])
  })
})

describe('npm run quickstart -- --clean', () => {
  it('removes every trace', async () => {
    const { exitCode } = await runAny(['npm', 'run', '--silent', 'quickstart', '--', '--clean'], { cwd: ROOT, env })
    expect(exitCode).toBe(0)
    expect(existsSync(folder)).toBe(false)
  })
})
