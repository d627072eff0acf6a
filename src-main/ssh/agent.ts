import ssh2 from 'ssh2'
import type { IdentityCallback, OpenSSHAgent, ParsedKey, SignCallback, SigningRequestOptions } from 'ssh2'

function isParsedKey(key: object): key is ParsedKey {
  return 'getPublicSSH' in key
}

/** The keys that an agent holds. Rejects when the agent cannot be reached. */
export function agentKeys(agent: OpenSSHAgent): Promise<readonly ParsedKey[]> {
  return new Promise((resolve, reject) => {
    agent.getIdentities((error, keys) => {
      if (error instanceof Error) reject(error)
      else resolve((keys ?? []).filter((key) => isParsedKey(key)))
    })
  })
}

/** An agent of which only some keys are offered, in the given order, so that a host is not asked needlessly often. */
export class ChosenKeysAgent extends ssh2.BaseAgent<ParsedKey> {
  private readonly agent: OpenSSHAgent
  private readonly keys: readonly ParsedKey[]

  constructor(agent: OpenSSHAgent, keys: readonly ParsedKey[]) {
    super()
    this.agent = agent
    this.keys = keys
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(undefined, [...this.keys])
  }

  // eslint-disable-next-line max-params -- the library's signature
  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    callback?: SignCallback,
  ): void {
    if (typeof options === 'function') this.agent.sign(key, data, {}, options)
    else this.agent.sign(key, data, options, callback)
  }
}
