import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { SshEnvironment } from '../../../../src-main/ssh/environment.ts'
import { parseJump, resolveTarget } from '../../../../src-main/ssh/resolve-target.ts'
import { hostTargetSchema } from '../../../../src-shared/model/host.ts'

let home: string
let environment: SshEnvironment

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'pilothouse-ssh-'))
  await mkdir(join(home, '.ssh', 'conf.d'), { recursive: true })
  environment = {
    home,
    user: 'me',
    agentSocket: '/run/agent',
    configFiles: [join(home, '.ssh', 'config'), join(home, 'system_config')],
    globalKnownHostsFiles: ['/etc/ssh/ssh_known_hosts'],
    variables: { KEYS: '/keys' },
  }
})
afterEach(() => rm(home, { recursive: true, force: true }))

async function resolved(config: string, target: Record<string, unknown> = {}) {
  await writeFile(join(home, '.ssh', 'config'), config)
  return resolveTarget(hostTargetSchema.parse({ address: 'lab', ...target }), environment)
}

describe('a target', () => {
  it("without any configuration has OpenSSH's defaults", async () => {
    await rm(join(home, '.ssh'), { recursive: true })
    const found = await resolveTarget(hostTargetSchema.parse({ address: 'lab' }), environment)
    expect(found).toMatchObject({
      alias: 'lab',
      host: 'lab',
      hostKeyName: 'lab',
      port: 22,
      user: 'me',
      agentSocket: '/run/agent',
      identitiesOnly: false,
      areIdentitiesNamed: false,
      jumps: [],
    })
    expect(found.identityFiles[0]).toBe(join(home, '.ssh', 'id_ed25519'))
    expect(found.knownHostsFiles).toEqual([
      join(home, '.ssh', 'known_hosts'),
      join(home, '.ssh', 'known_hosts2'),
      '/etc/ssh/ssh_known_hosts',
    ])
  })

  it('takes what the configuration says of its alias, in any case of letters', async () => {
    const found = await resolved(
      [
        'host lab other',
        '  HOSTNAME lab.example',
        '  port 2222',
        '  User=op',
        '  IdentityFile ~/.ssh/%n-%r',
        '  IdentityFile ${KEYS}/%h:%p',
        '  IdentitiesOnly yes',
        '  HostKeyAlias lab-key',
        '  UserKnownHostsFile ~/.ssh/own /dev/null',
        '  IdentityAgent none',
      ].join('\n'),
    )
    expect(found).toMatchObject({
      host: 'lab.example',
      port: 2222,
      user: 'op',
      identityFiles: [join(home, '.ssh', 'lab-op'), '/keys/lab.example:2222'],
      identitiesOnly: true,
      areIdentitiesNamed: true,
      hostKeyName: 'lab-key',
      agentSocket: null,
    })
    expect(found.knownHostsFiles.slice(0, 2)).toEqual([join(home, '.ssh', 'own'), '/dev/null'])
  })

  it("has the key of its name and port, or of its alias alone, as OpenSSH's known_hosts has", async () => {
    expect((await resolved('Host lab\n  Port 2222')).hostKeyName).toBe('[lab]:2222')
    expect((await resolved('Host lab\n  Port 2222\n  HostKeyAlias Lab-Key')).hostKeyName).toBe('lab-key')
  })

  it('says which configuration cannot be read', async () => {
    await mkdir(join(home, '.ssh', 'config'))
    const asked = resolveTarget(hostTargetSchema.parse({ address: 'lab' }), environment)
    await expect(asked).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining('.ssh/config cannot be read') as string,
    })
  })

  it('lets what is asked for win over what is configured', async () => {
    const found = await resolved('Host lab\n  Port 2222\n  User op\n  IdentityFile /a\n', {
      port: 22,
      user: 'root',
      identityFile: '/b',
    })
    expect(found).toMatchObject({ port: 22, user: 'root', identityFiles: ['/b'], identitiesOnly: true })
  })

  it("takes the first value found, the user's file before the machine's", async () => {
    await writeFile(join(home, 'system_config'), 'Host *\n  Port 3333\n  User system\n')
    const found = await resolved('Host l*\n  Port 2222\n\nHost lab\n  Port 4444\n')
    expect(found).toMatchObject({ port: 2222, user: 'system' })
  })

  it('follows includes, and only those of the host', async () => {
    await writeFile(join(home, '.ssh', 'conf.d', '10-lab'), 'Host lab\n  Port 2022\n')
    await writeFile(join(home, '.ssh', 'conf.d', '20-else'), 'Host else\n  User nobody\n')
    await writeFile(join(home, '.ssh', 'plain'), 'User included\n')
    const found = await resolved('Include conf.d/*\nInclude missing\nHost lab\n  Include plain\n')
    expect(found).toMatchObject({ port: 2022, user: 'included' })
  })

  it('refuses includes in a circle', async () => {
    await expect(resolved('Include config\n')).rejects.toMatchObject({ code: 'invalid_request' })
  })

  it('never runs a program', async () => {
    const proof = join(home, 'ran')
    const found = await resolved(
      `Match exec "touch ${proof}"\n  User pwned\nHost *\n  CanonicalizeHostname yes\n  CanonicalDomains example\n`,
    )
    expect(found.user).toBe('me')
    await expect(rm(proof)).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(resolved(`Host lab\n  ProxyCommand touch ${proof}\n`)).rejects.toMatchObject({
      code: 'invalid_request',
      hint: 'Use ProxyJump for this host.',
    })
  })

  it('says what is wrong with a port', async () => {
    await expect(resolved('Host lab\n  Port many\n')).rejects.toMatchObject({
      message: 'The SSH configuration gives lab the port many, which is none.',
    })
  })
})

describe('jump hosts', () => {
  it('are passed in order, each with its own configuration', async () => {
    const found = await resolved(
      'Host lab\n  ProxyJump door,op@[::1]:2200\nHost door\n  HostName door.example\n  ProxyJump gate\nHost gate\n  User keeper\n',
    )
    expect(found.jumps.map(({ host, port, user }) => [host, port, user])).toEqual([
      ['gate', 22, 'keeper'],
      ['door.example', 22, 'me'],
      ['::1', 2200, 'op'],
    ])
    expect(found.jumps.every(({ jumps }) => jumps.length === 0)).toBe(true)
  })

  it('may be none, and may not run in a circle', async () => {
    expect((await resolved('Host lab\n  ProxyJump none\n  ProxyCommand x\n')).jumps).toEqual([])
    await expect(resolved('Host *\n  ProxyJump lab\n')).rejects.toMatchObject({ code: 'invalid_request' })
  })

  it.each([
    ['door', { address: 'door' }],
    ['op@door:2200', { address: 'door', user: 'op', port: 2200 }],
    ['ssh://op@door:2200', { address: 'door', user: 'op', port: 2200 }],
    ['[fe80::1%eth0]', { address: 'fe80::1%eth0' }],
  ])('are understood as %s', (text, expected) => {
    expect(parseJump(text)).toEqual(expected)
  })

  it('are never options', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseJump(text).address).not.toMatch(/^-|\s/)
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_request' })
        }
      }),
    )
  })
})
