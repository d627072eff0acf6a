import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { rootPrefix } from '../lib/become-root.ts'
import { installedProgram } from '../lib/paths.ts'
import type { HostMessage } from '../private-host/host-message.ts'
import type { LoginTarget } from '../private-host/private-host.ts'
import type { WindowUser } from '../window/user.ts'

const PROGRAM = join(import.meta.dirname, '..', 'private-host', 'host.main.ts')
const WHY = 'Making this machine a host'

/** How a console reaches the host, and the key that it has to show. */
export interface HostAccess {
  readonly target: LoginTarget
  readonly fingerprint: string
}

async function hostArgv(...args: string[]): Promise<string[]> {
  return [...(await rootPrefix(WHY)), installedProgram('node'), PROGRAM, ...args]
}

/** This machine as a host, for as long as we live: its program ends the host when its stdin does. */
export class HostProcess {
  readonly access: HostAccess
  private readonly child: ChildProcessByStdio<Writable, Readable, null>

  private constructor(child: ChildProcessByStdio<Writable, Readable, null>, access: HostAccess) {
    this.child = child
    this.access = access
  }

  /** Rejects with one sentence when the host cannot be made; nothing of it runs then. */
  static async start(stateFolder: string, user: WindowUser, onStep: (text: string) => void): Promise<HostProcess> {
    const [file = '', ...args] = await hostArgv('run', stateFolder, String(user.uid), String(user.gid))
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.on('error', () => undefined)
    const access = await new Promise<HostAccess>((resolve, reject) => {
      const onMessage = (message: HostMessage): void => {
        if (message.kind === 'step') onStep(message.text)
        if (message.kind === 'ready') resolve(message)
        if (message.kind === 'failed') reject(new Error(message.message))
      }
      createInterface({ input: child.stdout }).on('line', (line) => {
        onMessage(JSON.parse(line) as HostMessage)
      })
      child.once('error', reject).once('exit', () => {
        reject(new Error('the host ended before it was ready'))
      })
    })
    return new HostProcess(child, access)
  }

  /** Ends sshd, the daemon and every guest, and waits until they are gone. */
  async close(): Promise<void> {
    const ended = this.child.exitCode === null && this.child.signalCode === null ? once(this.child, 'exit') : undefined
    this.child.stdin.end()
    await ended
  }
}

/** Ends whatever an earlier run has left of the host, and removes its files. Rejects with one sentence. */
export async function cleanHost(stateFolder: string): Promise<void> {
  const [file = '', ...args] = await hostArgv('clean', stateFolder)
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`the host could not be removed: ${output.trim()}`)
}
