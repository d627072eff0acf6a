import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectDaemon, type ConnectDeps, type DaemonLink } from '../../../src-main/fleet/daemon-link.ts'
import { systemClock, systemRandom } from '../../../src-main/lib/clock.ts'
import { fetchHostKey } from '../../../src-main/ssh/connect.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import { claimedActorSchema } from '../../../src-shared/model/ids.ts'
import { LoopbackSshd } from '../../support/loopback-sshd.ts'
import { makeKey } from '../../support/ssh-keys.ts'
import { ToyDaemon } from '../../support/toy-daemon.ts'

let sshd: LoopbackSshd
let daemon: ToyDaemon | undefined
let links: DaemonLink[]

beforeEach(async () => {
  sshd = await LoopbackSshd.start()
  links = []
})
afterEach(async () => {
  for (const link of links) link.dispose()
  await daemon?.stop()
  daemon = undefined
  await sshd.dispose()
})

function deps(more: Partial<ConnectDeps> = {}): ConnectDeps {
  return {
    environment: sshd.environment(),
    pinnedKey: null,
    clock: systemClock,
    random: systemRandom,
    claimedActor: claimedActorSchema.parse('op@desk'),
    ...more,
  }
}

async function connect(more: Partial<ConnectDeps> = {}, target = sshd.target()): Promise<DaemonLink> {
  const link = await connectDaemon(target, deps(more))
  links.push(link)
  return link
}

async function refusal(more: Partial<ConnectDeps> = {}, target = sshd.target()): Promise<PilothouseError> {
  const error: unknown = await connect(more, target).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(PilothouseError)
  return error as PilothouseError
}

describe('a host whose key is known', () => {
  beforeEach(() => sshd.trust())

  it('is connected through the highest socket, step by step', async () => {
    daemon = await ToyDaemon.start(sshd.sockets)
    const steps: string[] = []
    const link = await connect({ onStep: (step) => steps.push(step) })
    expect(steps).toEqual(['reaching', 'authenticating', 'finding_daemon', 'greeting'])
    expect(link.info.role).toBe('admin')
    expect(daemon.calls[0]).toMatchObject({ name: 'hello', claimedActor: 'op%40desk' })
    expect(Math.abs(link.clockOffsetMs)).toBeLessThan(5_000)
  })

  it('falls to the next role where a socket is not to be opened', async () => {
    daemon = await ToyDaemon.start(sshd.sockets, ['viewer', 'operator'])
    expect((await connect()).info.role).toBe('operator')
  })

  it('carries calls and a console beside each other', async () => {
    daemon = await ToyDaemon.start(sshd.sockets)
    daemon.write(Buffer.from('login: '))
    const link = await connect()
    const channel = await link.openConsole({ environment: 'demo' as never })
    const messages: (string | Uint8Array)[] = []
    const two = new Promise<void>((resolve) =>
      channel.onMessage((message) => {
        if (messages.push(message) === 2) resolve()
      }),
    )
    await two
    expect(JSON.parse(messages[0] as string)).toMatchObject({ type: 'opened', offset: 0 })
    expect(
      Buffer.from(messages[1] as Uint8Array)
        .subarray(8)
        .toString(),
    ).toBe('login: ')
    channel.close()
  })

  it('works for a login that runs no commands', async () => {
    daemon = await ToyDaemon.start(sshd.sockets)
    await sshd.stopListening()
    await sshd.launch({ ForceCommand: '/bin/false' })
    expect((await connect()).info.role).toBe('admin')
  })

  it('says that there is no daemon', async () => {
    const error = await refusal()
    expect(error).toMatchObject({ code: 'daemon_absent', retryable: true })
    expect(error.message).toContain(sshd.sockets)
  })

  it('says that the daemon does not run', async () => {
    await (await ToyDaemon.start(sshd.sockets)).stop()
    expect((await refusal()).message).toBe('pilothoused is installed on 127.0.0.1 but does not run.')
  })

  it('says that forwarding is refused', async () => {
    daemon = await ToyDaemon.start(sshd.sockets)
    await sshd.stopListening()
    await sshd.launch({ AllowStreamLocalForwarding: 'no' })
    expect(await refusal()).toMatchObject({
      code: 'forbidden',
      message: "The SSH server of 127.0.0.1 refuses to forward to the daemon's socket.",
    })
  })

  it('refuses a daemon of another protocol', async () => {
    daemon = await ToyDaemon.start(sshd.sockets)
    await writeFile(join(sshd.sockets, 'sockets.json'), JSON.stringify({ protocol: 99, version: '9', sockets: [] }))
    expect(await refusal()).toMatchObject({ code: 'protocol_mismatch', retryable: false })
  })

  it('says which key was refused', async () => {
    await makeKey(join(sshd.folder, 'other'))
    const identityFile = join(sshd.folder, 'other')
    const error = await refusal({}, sshd.target({ identityFile }))
    expect(error.code).toBe('auth_failed')
    expect(error.message).toContain(`the key file ${identityFile}`)
  })

  it('says that a key is locked by a passphrase', async () => {
    const identityFile = join(sshd.folder, 'locked')
    await makeKey(identityFile, { passphrase: 'secret' })
    const error = await refusal({}, sshd.target({ identityFile }))
    expect(error).toMatchObject({ code: 'auth_failed' })
    expect(error.message).toContain('protected by a passphrase')
  })

  it('says that a key file does not exist', async () => {
    const error = await refusal({}, sshd.target({ identityFile: '/nowhere/id' }))
    expect(error.message).toContain('The key file /nowhere/id does not exist.')
  })

  it('says that nothing listens, and that a name is not known', async () => {
    await sshd.stopListening()
    expect((await refusal()).message).toContain('no SSH server listens there')
    expect((await refusal({}, sshd.target({ address: 'no-such-host.invalid' }))).message).toContain(
      'could not be resolved',
    )
  })

  it('finds host, port, user and key by an alias of ssh_config', async () => {
    daemon = await ToyDaemon.start(sshd.sockets)
    const config = `Host lab\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  IdentityFile ${join(sshd.folder, 'id')}\n`
    await writeFile(join(sshd.folder, 'home', '.ssh', 'config'), config)
    const link = await connect({}, { address: 'lab', socketDirectory: sshd.sockets })
    expect(link.info.role).toBe('admin')
  })

  it('passes through a jump host', async () => {
    daemon = await ToyDaemon.start(sshd.sockets)
    const config = [
      `Host door\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  IdentityFile ${join(sshd.folder, 'id')}`,
      `Host inner\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  IdentityFile ${join(sshd.folder, 'id')}\n  ProxyJump door`,
    ]
    await writeFile(join(sshd.folder, 'home', '.ssh', 'config'), config.join('\n'))
    const link = await connect({}, { address: 'inner', socketDirectory: sshd.sockets })
    expect(link.info.role).toBe('admin')
    expect(await sshd.connections()).toHaveLength(2)
  })
})

describe('host keys', () => {
  it('stops at a key that nobody has accepted, and accepts that very key', async () => {
    daemon = await ToyDaemon.start(sshd.sockets)
    const error = await refusal()
    const fingerprint = await sshd.fingerprint()
    expect(error).toMatchObject({ code: 'host_key_unknown', details: { key: { type: 'ssh-ed25519', fingerprint } } })
    expect((await connect({ pinnedKey: { type: 'ssh-ed25519', fingerprint } })).info.role).toBe('admin')
    const fetched = await fetchHostKey(sshd.target(), {
      environment: sshd.environment(),
      signal: new AbortController().signal,
    })
    expect(fetched).toEqual({ type: 'ssh-ed25519', fingerprint })
  })

  it('refuses a host that presents another key than the pinned one', async () => {
    const pinnedKey = { type: 'ssh-ed25519', fingerprint: `SHA256:${'A'.repeat(43)}` }
    expect(await refusal({ pinnedKey })).toMatchObject({ code: 'host_key_changed', retryable: false })
  })

  it('refuses a host that presents another key than known_hosts has', async () => {
    await makeKey(join(sshd.folder, 'impostor'))
    await sshd.trust()
    await sshd.stopListening()
    await sshd.launch({ HostKey: join(sshd.folder, 'impostor') })
    expect(await refusal()).toMatchObject({ code: 'host_key_changed' })
  })

  it('refuses a host that no longer offers the type of key that is known', async () => {
    await makeKey(join(sshd.folder, 'rsa'), { type: 'rsa' })
    await sshd.trust()
    await sshd.stopListening()
    await sshd.launch({ HostKey: join(sshd.folder, 'rsa') })
    expect(await refusal()).toMatchObject({ code: 'host_key_changed' })
  })

  it('refuses a revoked key even when it is pinned', async () => {
    const { type, encoded } = await sshd.publicHostKey()
    await writeFile(join(sshd.folder, 'home', '.ssh', 'known_hosts'), `@revoked * ${type} ${encoded}\n`)
    const pinnedKey = { type, fingerprint: await sshd.fingerprint() }
    const error = await refusal({ pinnedKey })
    expect(error.code).toBe('host_key_changed')
    expect(error.message).toContain('revoked')
  })

  it('asks for the known type where the server has several', async () => {
    daemon = await ToyDaemon.start(sshd.sockets)
    await makeKey(join(sshd.folder, 'rsa'), { type: 'rsa' })
    await sshd.trust()
    await sshd.stopListening()
    await sshd.launch({ HostKey: `${join(sshd.folder, 'rsa')}\nHostKey ${join(sshd.folder, 'host_key')}` })
    expect((await connect()).info.role).toBe('admin')
  })
})
