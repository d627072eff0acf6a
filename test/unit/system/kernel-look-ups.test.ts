import { spawn } from 'node:child_process'
import { Socket, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findGroup, UserNames } from '../../../host-daemon/system/accounts.ts'
import { takeLock } from '../../../host-daemon/system/locks.ts'
import { mountedAt } from '../../../host-daemon/system/mounts.ts'
import { peerCredentialsOf } from '../../../host-daemon/system/peer-credentials.ts'
import { temporaryFolder } from '../../support/edge.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.remove())

describe('the peer of a connection', () => {
  it('is named by the kernel', async () => {
    const path = join(folder.path, 's')
    const server = createServer()
    const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
    await new Promise<void>((resolve) => server.listen(path, resolve))
    const client = connect(path)
    const peer = peerCredentialsOf(await accepted)
    expect(peer).toEqual({ pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() })
    client.destroy()
    server.close()
  })

  it('is nobody where there is no connection, and nobody is refused', () => {
    expect(() => peerCredentialsOf(new Socket())).toThrow('already closed')
    const posing = { _handle: { fd: 1_000_000 } } as unknown as Socket
    expect(() => peerCredentialsOf(posing)).toThrow('did not name the peer')
    expect(() => peerCredentialsOf({ _handle: { fd: -1 } } as unknown as Socket)).toThrow()
  })
})

describe('accounts', () => {
  it('have names, or are called by their number', async () => {
    let now = 0
    const names = new UserNames({ now: () => now, monotonicMs: () => now, sleep: () => Promise.resolve() })
    expect(await names.nameOf(0)).toBe('root')
    expect(await names.nameOf(3_999_999_999)).toBe('uid:3999999999')
    // Asked again after a while: accounts change.
    const first = names.nameOf(0)
    expect(names.nameOf(0)).toBe(first)
    now += 60_000
    expect(names.nameOf(0)).not.toBe(first)
  })

  it('have groups by name or number', async () => {
    expect(await findGroup('root')).toEqual({ gid: 0, name: 'root' })
    expect(await findGroup('0')).toEqual({ gid: 0, name: 'root' })
    expect(await findGroup('3999999999')).toEqual({ gid: 3_999_999_999, name: '3999999999' })
    expect(await findGroup('no-such-group')).toBeUndefined()
  })
})

describe('a lock', () => {
  it('is held once, until it is released or its holder is gone, and children do not hold it', async () => {
    const path = join(folder.path, 'lock')
    const lock = await takeLock(path)
    expect(lock).toBeDefined()
    expect(await takeLock(path)).toBeUndefined()
    const child = spawn('sleep', ['30'])
    await lock?.release()
    const again = await takeLock(path)
    expect(again).toBeDefined()
    child.kill()
    await again?.release()
  })
})

describe('mounts', () => {
  it('are looked up by their exact place', async () => {
    expect(await mountedAt('/proc')).toBe('proc')
    expect(await mountedAt(folder.path)).toBeUndefined()
  })
})
