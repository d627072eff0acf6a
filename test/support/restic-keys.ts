import { createCipheriv, createDecipheriv, createHash, randomBytes, scryptSync } from 'node:crypto'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What restic seals with: a key for AES-256-CTR, and two for Poly1305-AES. */
export interface Keys {
  readonly encrypt: Buffer
  readonly macK: Buffer
  readonly macR: Buffer
}

interface KeyFile {
  readonly N: number
  readonly r: number
  readonly p: number
  readonly salt: string
  readonly data: string
}

/** What everything in the repository is sealed with. Throws where the password does not open it. */
export async function masterKeys(repository: string, password: string): Promise<Keys> {
  const { opened } = await openKeyFile(repository, password)
  const { mac, encrypt } = JSON.parse(opened.toString()) as { mac: { k: string; r: string }; encrypt: string }
  const bytes = (text: string): Buffer => Buffer.from(text, 'base64')
  return { encrypt: bytes(encrypt), macK: bytes(mac.k), macR: bytes(mac.r) }
}

/**
 * Gives the repository a key file of the same password that costs next to nothing to open: what restic spends on every
 * call, half a second of a core, is for guessers, and tests make hundreds of calls. Nobody may use the repository
 * meanwhile.
 */
export async function lightenKey(repository: string, password: string): Promise<void> {
  const { path, file, opened } = await openKeyFile(repository, password)
  const light = { ...file, N: 2, r: 8, p: 1 }
  const text = JSON.stringify({ ...light, data: seal(opened, derivedFrom(password, light)).toString('base64') })
  await writeFile(join(repository, 'keys', sha256(Buffer.from(text))), text, { mode: 0o600 })
  await rm(path)
}

async function openKeyFile(repository: string, password: string) {
  const [name = ''] = await readdir(join(repository, 'keys'))
  const path = join(repository, 'keys', name)
  const file = JSON.parse(await readFile(path, 'utf8')) as KeyFile
  return { path, file, opened: open(Buffer.from(file.data, 'base64'), derivedFrom(password, file)) }
}

function derivedFrom(password: string, { N, r, p, salt }: KeyFile): Keys {
  const derived = scryptSync(password, Buffer.from(salt, 'base64'), 64, { N, r, p, maxmem: 512 * 1024 * 1024 })
  return { encrypt: derived.subarray(0, 32), macK: derived.subarray(32, 48), macR: derived.subarray(48) }
}

/** AES-256-CTR, then Poly1305-AES over the ciphertext. */
export function seal(plain: Buffer, keys: Keys): Buffer {
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-ctr', keys.encrypt, iv)
  const text = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([iv, text, macOf(text, iv, keys)])
}

function open(sealed: Buffer, keys: Keys): Buffer {
  const [iv, text] = [sealed.subarray(0, 16), sealed.subarray(16, -16)]
  if (!macOf(text, iv, keys).equals(sealed.subarray(-16))) throw new Error('The password does not open the repository.')
  const decipher = createDecipheriv('aes-256-ctr', keys.encrypt, iv)
  return Buffer.concat([decipher.update(text), decipher.final()])
}

const PRIME = (1n << 130n) - 5n
const CLAMP = 0x0ffffffc0ffffffc0ffffffc0fffffffn

function macOf(text: Buffer, iv: Buffer, { macK, macR }: Keys): Buffer {
  const r = littleEndian(macR) & CLAMP
  let sum = 0n
  for (let at = 0; at < text.length; at += 16) {
    const block = text.subarray(at, at + 16)
    sum = ((sum + littleEndian(block) + (1n << BigInt(8 * block.length))) * r) % PRIME
  }
  const s = littleEndian(createCipheriv('aes-128-ecb', macK, null).setAutoPadding(false).update(iv))
  const tag = (sum + s) & ((1n << 128n) - 1n)
  return Buffer.from(tag.toString(16).padStart(32, '0'), 'hex').reverse()
}

function littleEndian(bytes: Buffer): bigint {
  return BigInt(`0x${Buffer.from(bytes).reverse().toString('hex') || '0'}`)
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
