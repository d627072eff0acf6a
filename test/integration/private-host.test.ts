import { readFile, rm, mkdtemp, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isAlive } from '../../host-daemon/system/processes.ts'
import { runAny, type RunResult } from '../../scripts/lib/run.ts'
import { until } from '../../scripts/lib/until.ts'
import { LOGINS, type Login } from '../../scripts/private-host/layout.ts'
import { PrivateHost, removeHost } from '../../scripts/private-host/private-host.ts'
import { processesInView, startInView } from '../../scripts/private-host/view.ts'

let folder: string
let host: PrivateHost
let accountsBefore: string[]

function machineAccounts(): Promise<string[]> {
  return Promise.all(['passwd', 'group', 'shadow'].map((name) => readFile(`/etc/${name}`, 'utf8')))
}

interface SshOptions {
  readonly key?: Login
  readonly user?: string
  readonly flags?: readonly string[]
}

function ssh(login: Login, command: string, options: SshOptions = {}): Promise<RunResult> {
  const { key = login, user = login, flags = [] } = options
  const { port, address } = host.targetOf(login)
  const knownHosts = `UserKnownHostsFile=${join(host.layout.client, 'known_hosts')}`
  const strict = [
    '-o',
    'IdentitiesOnly=yes',
    '-o',
    'BatchMode=yes',
    '-o',
    'StrictHostKeyChecking=yes',
    '-o',
    knownHosts,
  ]
  const where = ['-p', String(port), '-i', host.targetOf(key).identityFile, `${user}@${address}`]
  return runAny(['ssh', '-F', 'none', ...strict, ...flags, ...where, command], { deadlineMs: 20_000 })
}

beforeAll(async () => {
  accountsBefore = await machineAccounts()
  folder = await mkdtemp(join(tmpdir(), 'private-host-'))
  host = await PrivateHost.open({ stateFolder: folder })
})

afterAll(async () => {
  await removeHost(folder)
  await rm(folder, { recursive: true })
})

describe('the logins of a private host', () => {
  it.each(LOGINS)('%s logs in under its own name, in the groups of its role and the lower ones', async (login) => {
    const groups = LOGINS.slice(0, LOGINS.indexOf(login) + 1).map((role) => `pilothouse-${role}`)
    const { stdout } = await ssh(login, 'id --user --name; id --groups --name')
    const [name, names = ''] = stdout.trim().split('\n')
    expect(name).toBe(login)
    expect(names.split(' ').sort()).toEqual(groups.sort())
  })

  it('lets nobody in who is an account of the machine, or has another login’s key', async () => {
    expect((await ssh('admin', 'true', { user: 'root' })).output).toContain('Permission denied')
    expect((await ssh('admin', 'true', { key: 'viewer' })).output).toContain('Permission denied')
  })

  it('cannot open a port on the host, and get no terminal', async () => {
    const listen = await ssh('admin', 'true', { flags: ['-o', 'ExitOnForwardFailure=yes', '-R', '0:127.0.0.1:22'] })
    expect(listen.output).toContain('remote port forwarding failed')
    const terminal = await ssh('admin', 'tty', { flags: ['-tt'] })
    expect(terminal.output).toContain('PTY allocation request failed')
  })
})

describe('the host key', () => {
  it('can be replaced, and is then refused by whoever knew the former one', async () => {
    expect((await ssh('viewer', 'true')).exitCode).toBe(0)
    await host.replaceHostKey()
    expect((await ssh('viewer', 'true')).output).toContain('Host key verification failed')
  })
})

describe('what a private host leaves of the machine', () => {
  it('does not touch its accounts, its /run or its mounts', async () => {
    expect(await machineAccounts()).toEqual(accountsBefore)
    await expect(stat('/run/pilothouse')).rejects.toThrow('ENOENT')
    expect(await readFile('/proc/self/mounts', 'utf8')).not.toContain(folder)
  })

  it('is nothing, once it is closed: whatever ran in it is ended, whoever started it', async () => {
    const stranger = await startInView(host.layout, ['/usr/bin/sleep', '1000'], { logFile: join(folder, 'sleep.log') })
    await until(async () => (await processesInView(host.layout)).some(({ pid }) => pid === stranger.pid), {
      deadlineMs: 5000,
      what: 'the program to enter the view',
    })
    await host.close()
    expect(await isAlive(stranger)).toBe(false)
    expect(await processesInView(host.layout)).toEqual([])
  })

  it('keeps port and keys for the next time', async () => {
    const fingerprint = await host.fingerprint()
    const again = await PrivateHost.open({ stateFolder: folder })
    expect(again.port).toBe(host.port)
    expect(await again.fingerprint()).toBe(fingerprint)
    await again.close()
  })
})
