import ssh2 from 'ssh2'
import type {
  GetStreamCallback,
  IdentityCallback,
  OpenSSHAgent,
  ParsedKey,
  SignCallback,
  SigningRequestOptions,
} from 'ssh2'

/** An agent that hangs, such as a forwarded one whose connection died, is done without, milliseconds. */
const LIST_DEADLINE_MS = 3_000

function isParsedKey(key: object): key is ParsedKey {
  return 'getPublicSSH' in key
}

/** Signing may take as long as a person needs to allow it; a list that takes longer than this never comes. */
class ImpatientAgent extends ssh2.OpenSSHAgent {
  override getStream(callback: GetStreamCallback): void {
    super.getStream((error, stream) => {
      const limit = setTimeout(() => stream?.destroy(), LIST_DEADLINE_MS)
      stream?.once('close', () => clearTimeout(limit))
      callback(error, stream)
    })
  }
}

/** The keys that the agent behind a socket holds. Rejects when it cannot be reached, or does not answer in time. */
export function agentKeys(socketPath: string): Promise<readonly ParsedKey[]> {
  return new Promise((resolve, reject) => {
    new ImpatientAgent(socketPath).getIdentities((error, keys) => {
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
