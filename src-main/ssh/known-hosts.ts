import { createHmac } from 'node:crypto'
import { matchesPatternList } from './pattern.ts'

/** One usable line of a `known_hosts` file. */
export interface KnownHostsLine {
  readonly isRevoked: boolean
  /** The hosts field as written: a hashed name, or patterns separated by commas. */
  readonly hosts: string
  /** Key type, such as `ssh-ed25519`. */
  readonly type: string
  /** The public key as it goes over the wire. */
  readonly key: Buffer
}

/** What is known of one host's keys. */
export interface KnownKeys {
  readonly trusted: readonly KnownHostsLine[]
  readonly revoked: readonly KnownHostsLine[]
}

/** The type named inside a public key's wire form; empty for anything that is not one. */
export function keyTypeOf(key: Buffer): string {
  if (key.length < 8) return ''
  const length = key.readUInt32BE(0)
  return length > 0 && length <= key.length - 4 ? key.toString('latin1', 4, 4 + length) : ''
}

const MARKERS = new Set(['@revoked', '@cert-authority'])

function parseLine(text: string): KnownHostsLine | undefined {
  const fields = text.trim().split(/[ \t]+/)
  const marker = MARKERS.has(fields[0] ?? '') ? fields.shift() : undefined
  const [hosts = '', type = '', encoded = ''] = fields
  // Certificates of hosts are not verified here, so that an authority cannot vouch for anything.
  if (hosts.startsWith('#') || hosts.startsWith('@') || marker === '@cert-authority') return undefined
  const key = Buffer.from(encoded, 'base64')
  if (type === '' || keyTypeOf(key) !== type) return undefined
  return { isRevoked: marker === '@revoked', hosts, type, key }
}

/** Lines that hold no key of a known form (comments, SSH 1 keys, certificate authorities, damage) are left out. */
export function parseKnownHosts(text: string): KnownHostsLine[] {
  return text
    .split(/\r?\n/)
    .map((line) => parseLine(line))
    .filter((line) => line !== undefined)
}

/** How OpenSSH writes a host in `known_hosts`: the bare name on port 22, else `[name]:port`. */
export function knownHostsName(host: string, port: number): string {
  const name = host.toLowerCase()
  return port === 22 ? name : `[${name}]:${port}`
}

function matchesHashed(hosts: string, name: string): boolean {
  const [, , salt = '', hash = ''] = hosts.split('|')
  return salt !== '' && createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash
}

/** Whether a line's hosts field is about `name`, as `knownHostsName` writes it. */
export function matchesHosts(hosts: string, name: string): boolean {
  return hosts.startsWith('|1|') ? matchesHashed(hosts, name) : matchesPatternList(hosts.split(','), name)
}

/** The keys on record for a host of this name, as `knownHostsName` writes it; a key that is revoked anywhere counts as revoked only. */
export function knownKeysOf(lines: readonly KnownHostsLine[], name: string): KnownKeys {
  const about = lines.filter((line) => matchesHosts(line.hosts, name))
  const revoked = about.filter((line) => line.isRevoked)
  const trusted = about.filter((line) => !line.isRevoked && !revoked.some(({ key }) => key.equals(line.key)))
  return { trusted, revoked }
}
