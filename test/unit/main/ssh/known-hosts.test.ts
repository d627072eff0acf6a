import { createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { describeKey, judgeHostKey, serverHostKeyAlgorithms } from '../../../../src-main/ssh/host-key.ts'
import {
  keyTypeOf,
  knownHostsName,
  knownKeysOf,
  matchesHosts,
  parseKnownHosts,
} from '../../../../src-main/ssh/known-hosts.ts'

/** A public key in its wire form; only type and bytes matter here. */
function key(type = 'ssh-ed25519', seed = 1): Buffer {
  const name = Buffer.from(type)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(name.length)
  return Buffer.concat([length, name, Buffer.alloc(36, seed)])
}

function line(hosts: string, blob = key(), marker = ''): string {
  return `${marker}${hosts} ${keyTypeOf(blob)} ${blob.toString('base64')} comment`
}

function hashed(name: string): string {
  const salt = randomBytes(20)
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`
}

function known(text: string, host = 'lab.example', port = 22) {
  return knownKeysOf(parseKnownHosts(text), knownHostsName(host, port))
}

const NONE = { pinned: null, known: { trusted: [], revoked: [] } }

describe('a known_hosts file', () => {
  it('is read past comments, authorities, SSH 1 keys and damage', () => {
    const text = [
      '# comment',
      '',
      '   ',
      line('lab.example'),
      line('lab.example', key('ssh-ed25519', 9), '@cert-authority '),
      'lab.example 2048 65537 12345',
      'lab.example ssh-ed25519 notbase64!',
      `lab.example ssh-rsa ${key().toString('base64')}`,
      '@unknown-marker lab.example ssh-ed25519 AAAA',
      'lab.example',
    ].join('\r\n')
    expect(parseKnownHosts(text)).toHaveLength(1)
    expect(known(text).trusted[0]?.key.equals(key())).toBe(true)
  })

  it.each([
    ['lab.example', true],
    ['LAB.example', true],
    ['other,lab.example', true],
    ['*.example', true],
    ['*', true],
    ['lab.exampl?', true],
    ['*.example,!lab.*', false],
    ['!lab.example', false],
    ['lab.example2', false],
    ['[lab.example]:2222', false],
    ['lab', false],
  ])('matches lab.example with %s: %s', (hosts, expected) => {
    expect(known(line(hosts)).trusted).toHaveLength(expected ? 1 : 0)
  })

  it.each([
    ['[lab.example]:2222', true],
    ['[*.example]:2222', true],
    ['[*]:*', true],
    ['lab.example', false],
    ['[lab.example]:22', false],
    ['[lab.example]:22222', false],
  ])('matches port 2222 with %s: %s', (hosts, expected) => {
    expect(known(line(hosts), 'lab.example', 2222).trusted).toHaveLength(expected ? 1 : 0)
  })

  it('understands hashed names, with and without a port', () => {
    expect(known(line(hashed('lab.example'))).trusted).toHaveLength(1)
    expect(known(line(hashed('[lab.example]:2222')), 'lab.example', 2222).trusted).toHaveLength(1)
    expect(known(line(hashed('lab.example')), 'lab.example', 2222).trusted).toHaveLength(0)
    expect(known(line('|1|broken')).trusted).toHaveLength(0)
    expect(known(line('|2|AAAA|AAAA')).trusted).toHaveLength(0)
  })

  it('finds any name that was hashed, and no other', () => {
    const names = fc.tuple(fc.domain(), fc.integer({ min: 1, max: 65_535 }))
    fc.assert(
      fc.property(names, names, ([host, port], [otherHost, otherPort]) => {
        const own = knownHostsName(host, port)
        const other = knownHostsName(otherHost, otherPort)
        expect(matchesHosts(hashed(own), own)).toBe(true)
        expect(matchesHosts(hashed(own), other)).toBe(own === other)
        expect(matchesHosts(own, own)).toBe(true)
      }),
    )
  })

  it('never throws, whatever it holds', () => {
    const words = fc.constantFrom(
      '@revoked',
      '@cert-authority',
      '|1|',
      '[',
      ']:',
      '!',
      '*',
      'ssh-ed25519',
      'AAAA',
      ' ',
      '\n',
      '#',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(words, fc.string()), { maxLength: 40 }), (parts) => {
        const { trusted, revoked } = known(parts.join(''))
        expect([...trusted, ...revoked].every(({ type }) => type !== '')).toBe(true)
      }),
    )
  })

  it('holds a revoked key for revoked wherever else it stands', () => {
    const { trusted, revoked } = known([line('lab.example'), line('*', key(), '@revoked ')].join('\n'))
    expect([trusted.length, revoked.length]).toEqual([0, 1])
  })
})

describe('the verdict on a key', () => {
  const other = key('ssh-ed25519', 2)

  it('is unknown where nothing is known', () => {
    expect(judgeHostKey(key(), NONE)).toEqual({ kind: 'unknown', key: describeKey(key()) })
  })

  it('is trusted by known_hosts, and by the pinned key before it', () => {
    const lab = known(line('lab.example'))
    expect(judgeHostKey(key(), { pinned: null, known: lab }).kind).toBe('trusted')
    expect(judgeHostKey(other, { pinned: describeKey(other), known: lab }).kind).toBe('trusted')
    expect(judgeHostKey(key(), { pinned: describeKey(other), known: lab }).kind).toBe('changed')
  })

  it('is changed for any other key', () => {
    expect(judgeHostKey(other, { pinned: null, known: known(line('lab.example')) }).kind).toBe('changed')
    expect(judgeHostKey(key('ssh-rsa'), { pinned: describeKey(key()), known: NONE.known }).kind).toBe('changed')
  })

  it('is changed for a revoked key even when it is pinned', () => {
    const revoked = known(line('*', key(), '@revoked '))
    const verdict = judgeHostKey(key(), { pinned: describeKey(key()), known: revoked })
    expect(verdict).toMatchObject({ kind: 'changed', isRevoked: true })
  })

  it('is never trusted for a key that nobody vouched for', () => {
    const blobs = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes))
    fc.assert(
      fc.property(blobs, (blob) => {
        expect(judgeHostKey(blob, { pinned: describeKey(key()), known: known(line('lab.example')) }).kind).toBe(
          'changed',
        )
      }),
    )
  })
})

describe('what a server is asked for', () => {
  it('is only what can be compared', () => {
    expect(serverHostKeyAlgorithms({ pinned: null, known: known(line('lab.example', key('ssh-rsa'))) })).toEqual([
      'rsa-sha2-512',
      'rsa-sha2-256',
    ])
    expect(serverHostKeyAlgorithms({ pinned: describeKey(key()), known: NONE.known })).toEqual(['ssh-ed25519'])
  })

  it('is everything but SHA-1 where nothing is known', () => {
    const all = serverHostKeyAlgorithms(NONE)
    expect(all[0]).toBe('ssh-ed25519')
    expect(all).not.toContain('ssh-rsa')
    expect(all).not.toContain('ssh-dss')
  })
})
