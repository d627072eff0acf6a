import { createHash, randomBytes } from 'node:crypto'
import { chmod, chown, copyFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isElectronAbsent, startElectronWindow, type ElectronWindow } from '../support/electron-app.ts'
import { LoopbackSshd } from '../support/loopback-sshd.ts'
import { ToyDaemon } from '../support/toy-daemon.ts'
import { waitFor } from '../support/wait-for.ts'

let shown: ElectronWindow
let sshd: LoopbackSshd
let daemon: ToyDaemon

beforeAll(async () => {
  if (isElectronAbsent) return
  sshd = await LoopbackSshd.start()
  daemon = await ToyDaemon.start(sshd.sockets)
  shown = await startElectronWindow()
  await shown.page.locator('#app > *').first().waitFor()
}, 120_000)
afterAll(async () => {
  if (isElectronAbsent) return
  await shown.dispose()
  await daemon.stop()
  await sshd.dispose()
})

/** One call of the page's, without the renderer's own client. */
function call(path: string, input: unknown): Promise<unknown> {
  return shown.page.evaluate(
    ({ path, input }) =>
      new Promise((resolve) => {
        const id = crypto.randomUUID()
        window.addEventListener('message', ({ data, ports: [port] }) => {
          if ((data as { pilothouseChannel?: string }).pilothouseChannel !== id || port === undefined) return
          port.onmessage = (event) => {
            port.close()
            resolve((JSON.parse(event.data as string) as { p: { b: { json: unknown } } }).p.b.json)
          }
          port.postMessage(JSON.stringify({ i: '1', p: { u: path, b: { json: input } } }))
        })
        ;(window as unknown as { pilothouse: { openRpc(id: string): void } }).pilothouse.openRpc(id)
      }),
    { path, input },
  )
}

interface Listed {
  readonly id: string
  readonly connection: { readonly kind: string; readonly key?: { readonly fingerprint: string } }
}

async function reached(kind: string): Promise<Listed> {
  return waitFor(`the host to be ${kind}`, async () => {
    const [host] = (await call('/hosts/list', {})) as Listed[]
    return host?.connection.kind === kind ? host : undefined
  })
}

/** The console's user is not the test's: it gets the key in its own home. */
async function addHost(): Promise<Listed> {
  const identityFile = join(shown.user.home, 'id')
  await copyFile(join(sshd.folder, 'id'), identityFile)
  await chmod(identityFile, 0o600)
  if (process.getuid?.() === 0) await chown(identityFile, shown.user.uid, shown.user.gid)
  await call('/hosts/add', { name: 'lab', target: sshd.target({ identityFile, user: userInfo().username }) })
  const { id, connection } = await reached('awaiting_trust')
  await call('/hosts/acceptKey', { hostId: id, fingerprint: connection.key?.fingerprint })
  return reached('connected')
}

it.skipIf(isElectronAbsent)('carries a console to the page and back, byte for byte', { timeout: 60_000 }, async () => {
  const { id: host } = await addHost()
  const source = randomBytes(8 * 1024 * 1024)
  daemon.write(source)
  const digest = await shown.page.evaluate(
    ({ host, length }) =>
      new Promise<string>((resolve) => {
        const bytes = new Uint8Array(length)
        window.addEventListener('message', ({ data, ports: [port] }) => {
          if ((data as { pilothouseChannel?: string }).pilothouseChannel !== 'console' || port === undefined) return
          port.onmessage = ({ data: frame }: MessageEvent<unknown>) => {
            if (!(frame instanceof Uint8Array)) return
            const offset = Number(new DataView(frame.buffer, frame.byteOffset).getBigUint64(0))
            bytes.set(frame.subarray(8), offset)
            const next = offset + frame.byteLength - 8
            port.postMessage(JSON.stringify({ type: 'ack', offset: next }))
            if (next < length) return
            port.postMessage(new TextEncoder().encode('ls\r'))
            void crypto.subtle.digest('SHA-256', bytes).then((hash) => {
              resolve(Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join(''))
            })
          }
        })
        const { pilothouse } = window as unknown as { pilothouse: { openConsole(id: string, query: string): void } }
        pilothouse.openConsole('console', `host=${host}&environment=demo`)
      }),
    { host, length: source.length },
  )
  expect(digest).toBe(createHash('sha256').update(source).digest('hex'))
  await waitFor('what was typed', () => daemon.typed.length > 0)
  expect(Buffer.concat(daemon.typed).toString()).toBe('ls\r')
})

it.skipIf(isElectronAbsent)('shows the host in the window', async () => {
  await shown.page.evaluate(() => (location.hash = '#/hosts'))
  await expect.poll(() => shown.page.locator('#app').textContent()).toContain('lab')
})
