import { execFile, spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ROOT } from '../../scripts/lib/paths.ts'
import { isElectronAbsent, startElectronWindow, type ElectronWindow } from '../support/electron-app.ts'
import { waitFor } from '../support/wait-for.ts'

const run = promisify(execFile)
let shown: ElectronWindow
const complaints: string[] = []

beforeAll(async () => {
  if (isElectronAbsent) return
  shown = await startElectronWindow()
  shown.page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await shown.page.locator('#app > *').first().waitFor()
  await shown.page.reload()
  await shown.page.locator('#app > *').first().waitFor()
}, 120_000)
afterAll(async () => {
  if (!isElectronAbsent) await shown.dispose()
})

interface ProcessFacts {
  readonly pid: number
  /** The command line; a process may have written it anew, with blanks between the words. */
  readonly words: string
  readonly status: Record<string, string>
}

async function factsOf(pid: number): Promise<ProcessFacts> {
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8')
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const entries = status.split('\n').map((line) => line.split(/:\s*/, 2) as [string, string])
  return { pid, words: commandLine.replaceAll('\0', ' '), status: Object.fromEntries(entries) }
}

async function allFacts(): Promise<ProcessFacts[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const facts = await Promise.all(pids.map((pid) => factsOf(pid).catch(() => undefined)))
  return facts.filter((found) => found !== undefined)
}

describe.skipIf(isElectronAbsent)('the processes', () => {
  it('run as an ordinary user, the page under seccomp and without privileges', async () => {
    const pid = await shown.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId(),
    )
    const renderer = await factsOf(pid ?? 0)
    expect(renderer.words).toContain('--type=renderer')
    expect(renderer.status).toMatchObject({ Seccomp: '2', NoNewPrivs: '1', CapEff: '0000000000000000' })
    expect(renderer.status['Uid']?.split('\t')[0]).not.toBe('0')
    const ours = (await allFacts()).filter(({ words }) => words.includes(shown.dataDirectory))
    expect(ours.length).toBeGreaterThan(0)
    expect(ours.filter(({ words }) => words.includes('--no-sandbox'))).toEqual([])
  })

  it('do not listen on TCP', async () => {
    // Started without the debugger that drives the other tests.
    const dataDirectory = `${shown.dataDirectory}-plain`
    const [file = '', ...words] = shown.argv
    const child = spawn(file, [...words, ROOT, '--disable-gpu', `--data-dir=${dataDirectory}`], {
      env: shown.environment,
      stdio: 'ignore',
    })
    try {
      const belongs = ({ words: line }: ProcessFacts): boolean => line.includes(dataDirectory)
      const isPage = (facts: ProcessFacts): boolean => belongs(facts) && facts.words.includes('--type=renderer')
      await waitFor('its page', async () => (await allFacts()).some(isPage))
      const pids = (await allFacts()).filter(belongs).map(({ pid }) => pid)
      const { stdout } = await run('ss', ['-ltnpH'])
      expect(pids.length).toBeGreaterThan(1)
      expect(pids.filter((pid) => stdout.includes(`pid=${pid},`))).toEqual([])
    } finally {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
  })

  it('refuse to be root', async () => {
    if (process.getuid?.() !== 0) return
    const program = shown.argv.at(-1) ?? ''
    const started = run(program, [ROOT, '--no-sandbox', '--disable-gpu'], {
      env: { ...shown.environment, HOME: '/nonexistent' },
    })
    await expect(started).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not open its window as root') as string,
    })
  })

  it.each(['--no-sandbox', '--remote-debugging-port=0'])('refuse to start with %s', async (opened) => {
    const [file = '', ...words] = shown.argv
    const args = [...words, ROOT, opened, '--disable-gpu', `--data-dir=${shown.dataDirectory}-2`]
    await expect(run(file, args, { env: shown.environment })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('outside a debugger') as string,
    })
  })

  it('are one: a second start shows the first window', async () => {
    const [file = '', ...words] = shown.argv
    const { stderr } = await run(file, [...words, ROOT, '--disable-gpu', '--open=/settings'], {
      env: shown.environment,
    })
    expect(stderr).not.toContain('Error')
    await shown.page.waitForURL('https://pilothouse.invalid/index.html#/settings')
  })
})

describe.skipIf(isElectronAbsent)('the page', () => {
  it('is our own, isolated and sandboxed', async () => {
    expect(shown.page.url()).toMatch(/^https:\/\/pilothouse\.invalid\/index\.html/)
    const preferences = await shown.app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as {
        getLastWebPreferences(): Record<string, unknown>
      }
      const { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag } = contents.getLastWebPreferences()
      return { sandbox, contextIsolation, nodeIntegration, webSecurity, webviewTag }
    })
    expect(preferences).toEqual({
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      webSecurity: true,
      webviewTag: false,
    })
  })

  it('has nothing of Node or Electron but two functions', async () => {
    const found = await shown.page.evaluate(() => ({
      node: ['require', 'process', 'module', 'Buffer', 'global', '__dirname'].filter((name) => name in window),
      exposed: Object.keys((window as unknown as { pilothouse: object }).pilothouse),
    }))
    expect(found).toEqual({ node: [], exposed: ['openRpc', 'openConsole'] })
  })

  it('runs under its strict policy without a complaint', async () => {
    expect(complaints).toEqual([])
    const hasRun = await shown.page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'window.injected = true'
      document.head.append(script)
      return 'injected' in window
    })
    expect(hasRun).toBe(false)
  })

  it('makes no code of text', async () => {
    // A debugger's own evaluation is above the policy; what a timer runs later is not.
    const outcome = await shown.page.evaluate(
      () =>
        new Promise((resolve) => {
          const seen: string[] = []
          document.addEventListener('securitypolicyviolation', ({ blockedURI, effectiveDirective }) => {
            seen.push(`${effectiveDirective} ${blockedURI}`)
            if (seen.length === 3) resolve({ tries, seen, isInjected: 'injected' in window })
          })
          let tries: string[] = []
          setTimeout(() => {
            tries = ['eval', 'Function'].map((name) => {
              try {
                const make = (window as unknown as Record<string, (text: string) => unknown>)[name]
                make?.('window.injected = true')
                return `${name} ran`
              } catch (error) {
                return `${name}: ${(error as Error).name}`
              }
            })
            const later = setTimeout as (text: string) => number
            later('window.injected = true')
          })
        }),
    )
    expect(outcome).toEqual({
      tries: ['eval: EvalError', 'Function: EvalError'],
      seen: ['script-src eval', 'script-src eval', 'script-src eval'],
      isInjected: false,
    })
  })

  it('may keep a file that it made, and nothing else', async () => {
    await shown.app.evaluate(({ BrowserWindow }) => {
      const found: string[] = []
      BrowserWindow.getAllWindows()[0]?.webContents.session.on('will-download', (event, item) => {
        found.push(`${event.defaultPrevented ? 'denied' : 'kept'} ${item.getFilename()}`)
        event.preventDefault()
      })
      Object.assign(globalThis, { downloads: found })
    })
    const offer = (name: string, isOwn: boolean) =>
      shown.page.evaluate(
        ([file, own]) => {
          const link = document.createElement('a')
          link.href = own ? URL.createObjectURL(new Blob(['x'])) : 'data:application/octet-stream,x'
          link.download = file
          link.click()
        },
        [name, isOwn] as const,
      )
    const downloads = () => shown.app.evaluate(() => (globalThis as unknown as { downloads: string[] }).downloads)
    await offer('foreign.txt', false)
    await offer('own.txt', true)
    await expect.poll(downloads).toContain('kept own.txt')
    expect(await downloads()).not.toContain('kept foreign.txt')
  })

  it('talks to main over its channel', async () => {
    await shown.page.evaluate(() => {
      location.hash = '#/hosts'
    })
    await expect.poll(() => shown.page.locator('#app').textContent()).toMatch(/host/i)
    const answer = await shown.page.evaluate(
      () =>
        new Promise((resolve) => {
          window.addEventListener('message', ({ data, ports: [port] }) => {
            if ((data as { pilothouseChannel?: string }).pilothouseChannel !== 'test' || port === undefined) return
            port.onmessage = (event) => resolve(event.data)
            port.postMessage(JSON.stringify({ i: '1', p: { u: '/app/info' } }))
          })
          ;(window as unknown as { pilothouse: { openRpc(id: string): void } }).pilothouse.openRpc('test')
        }),
    )
    expect(JSON.parse(answer as string)).toMatchObject({ p: { b: { json: { shell: 'electron' } } } })
  })
})

describe.skipIf(isElectronAbsent)('what is denied', () => {
  let elsewhere: string
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    response.end('elsewhere')
  })
  beforeAll(async () => {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    elsewhere = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  })
  afterAll(() => {
    server.close()
    expect(asked).toEqual([])
  })

  it('navigation', async () => {
    for (const address of [elsewhere, 'file:///etc/passwd', 'data:text/html,hello']) {
      await shown.page
        .evaluate((url) => {
          location.href = url
        }, address)
        .catch(() => undefined)
    }
    await shown.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 300)))
    expect(shown.page.url()).toMatch(/^https:\/\/pilothouse\.invalid\//)
  })

  it('new windows', async () => {
    const opened = await shown.page.evaluate((url) => window.open(url) === null, elsewhere)
    expect(opened).toBe(true)
    expect(await shown.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1)
  })

  it('frames and requests', async () => {
    const outcome = await shown.page.evaluate(async (url) => {
      const frame = document.createElement('iframe')
      frame.src = url
      document.body.append(frame)
      const asked = await fetch(url).then(
        () => 'answered',
        () => 'refused',
      )
      frame.remove()
      return asked
    }, elsewhere)
    expect(outcome).toBe('refused')
  })

  it('permissions', async () => {
    const states = await shown.page.evaluate(async () => {
      const names = ['notifications', 'geolocation', 'camera', 'microphone', 'midi']
      const found = await Promise.all(
        names.map((name) => navigator.permissions.query({ name: name as PermissionName }).then(({ state }) => state)),
      )
      const media = await navigator.mediaDevices.getUserMedia({ audio: true }).then(
        () => 'granted',
        () => 'denied',
      )
      return [...found, await Notification.requestPermission(), media]
    })
    expect(new Set(states)).toEqual(new Set(['denied']))
  })

  it("files outside the page's folder", async () => {
    const paths = [
      '/../main/electron.js',
      '/%2e%2e/main/electron.js',
      '/assets/..%2f..%2fmain/electron.js',
      '/../../package.json',
    ]
    const statuses = await shown.app.evaluate(async ({ BrowserWindow }, list) => {
      const session = BrowserWindow.getAllWindows()[0]!.webContents.session
      return Promise.all(list.map(async (path) => (await session.fetch(`https://pilothouse.invalid${path}`)).status))
    }, paths)
    expect(statuses).toEqual(paths.map(() => 404))
  })

  it('channels to any other sender', async () => {
    const outcome = await shown.app.evaluate(async ({ BrowserWindow }, preload) => {
      const stranger = new BrowserWindow({
        show: false,
        webPreferences: { session: BrowserWindow.getAllWindows()[0]!.webContents.session, preload, sandbox: true },
      })
      await stranger.loadURL('https://pilothouse.invalid/index.html')
      const ask = `new Promise((resolve) => {
        window.addEventListener('message', ({ data, ports: [port] }) => {
          if (data.pilothouseChannel !== 'stranger') return
          port.onmessage = () => resolve('answered')
          port.addEventListener('close', () => resolve('closed'))
          port.postMessage(JSON.stringify({ i: '1', p: { u: '/app/info' } }))
        })
        window.pilothouse.openRpc('stranger')
      })`
      const answer: unknown = await stranger.webContents.executeJavaScript(ask)
      stranger.destroy()
      return answer
    }, `${ROOT}/out/preload/preload.cjs`)
    expect(outcome).toBe('closed')
  })
})
