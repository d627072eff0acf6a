import { connect } from 'node:net'
import ssh2 from 'ssh2'
import type { TestHost } from '../../support/private-host.ts'

const DEADLINE_MS = 10_000

/** The cipher that our SSH library and the host agree upon when nobody asks for one, as in every connection of ours. */
export function negotiatedCipher(host: TestHost): Promise<string> {
  const { address, port } = host.targets.admin
  const client = new ssh2.Client()
  return new Promise((resolve, reject) => {
    client.on('error', reject)
    client.on('handshake', ({ cs }) => {
      resolve(cs.cipher)
      client.destroy()
    })
    client.connect({
      sock: connect({ host: address, port, noDelay: true }),
      username: 'nobody',
      authHandler: ['none'],
      hostVerifier: () => true,
      readyTimeout: DEADLINE_MS,
    })
  })
}
