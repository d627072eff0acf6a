import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export type KeyType = 'ed25519' | 'ecdsa' | 'rsa'

/**
 * Writes a new private key to `path` and its public half beside it, made by OpenSSH: ssh2's own maker of ed25519 keys
 * drops a public key's leading zeros, so that one key in 256 is malformed.
 */
export async function makeKey(path: string, options: { type?: KeyType; passphrase?: string } = {}): Promise<void> {
  const { type = 'ed25519', passphrase = '' } = options
  await run('ssh-keygen', ['-q', '-t', type, '-N', passphrase, '-C', 'test', '-f', path])
}
