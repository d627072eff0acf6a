import ssh2 from 'ssh2'
import type { AnyAuthMethod, OpenSSHAgent, ParsedKey } from 'ssh2'
import { readTextIfPresent } from '../lib/read-file.ts'
import { agentKeys, ChosenKeysAgent } from './agent.ts'
import type { ResolvedTarget } from './resolve-target.ts'

/** What will be offered to a host, and what could not be, in words. */
export interface Credentials {
  readonly methods: AnyAuthMethod[]
  /** Such as `the key file /home/op/.ssh/id_ed25519`. */
  readonly offered: readonly string[]
  /** One sentence each for what was asked for and cannot be used. */
  readonly problems: readonly string[]
}

/** OpenSSH's servers close the door after six; one is left for a key file. */
const AGENT_KEYS_MOST = 5

type FileIdentity =
  | { readonly kind: 'key'; readonly path: string; readonly key: ParsedKey }
  | { readonly kind: 'locked'; readonly path: string; readonly publicKey: Buffer | null }
  | { readonly kind: 'problem'; readonly path: string; readonly says: string }

function parse(text: string): ParsedKey | Error {
  return ssh2.utils.parseKey(text)
}

async function publicKeyBeside(path: string): Promise<Buffer | null> {
  const text = await readTextIfPresent(`${path}.pub`).catch(() => null)
  const key = text === null ? null : parse(text)
  return key === null || key instanceof Error ? null : key.getPublicSSH()
}

async function readIdentity(path: string): Promise<FileIdentity> {
  let text: string | null
  try {
    text = await readTextIfPresent(path)
  } catch {
    return { kind: 'problem', path, says: `The key file ${path} cannot be read.` }
  }
  if (text === null) return { kind: 'problem', path, says: `The key file ${path} does not exist.` }
  const key = parse(text)
  if (!(key instanceof Error)) {
    if (key.isPrivateKey()) return { kind: 'key', path, key }
    return { kind: 'locked', path, publicKey: key.getPublicSSH() }
  }
  if (/encrypted|passphrase/i.test(key.message)) return { kind: 'locked', path, publicKey: await publicKeyBeside(path) }
  return { kind: 'problem', path, says: `The key file ${path} holds no private key that can be understood.` }
}

interface AgentView {
  readonly agent: OpenSSHAgent
  readonly keys: readonly ParsedKey[]
}

async function askAgent(socket: string | null): Promise<AgentView | null | Error> {
  if (socket === null || socket === '') return null
  try {
    return { agent: new ssh2.OpenSSHAgent(socket), keys: await agentKeys(socket) }
  } catch (error) {
    return error instanceof Error ? error : new Error('no answer')
  }
}

function holds(view: AgentView | null, publicKey: Buffer | null): boolean {
  return publicKey !== null && view !== null && view.keys.some((key) => key.getPublicSSH().equals(publicKey))
}

/** Agent keys that match a named identity come first; others only where they may be offered at all. */
function chooseAgentKeys(view: AgentView, identities: readonly FileIdentity[], target: ResolvedTarget): ParsedKey[] {
  const named = identities.flatMap((identity) =>
    identity.kind === 'key'
      ? [identity.key.getPublicSSH()]
      : identity.kind === 'locked' && identity.publicKey !== null
        ? [identity.publicKey]
        : [],
  )
  const isNamed = (key: ParsedKey): boolean => named.some((publicKey) => publicKey.equals(key.getPublicSSH()))
  const matching = view.keys.filter((key) => isNamed(key))
  const others = target.identitiesOnly ? [] : view.keys.filter((key) => !isNamed(key))
  return [...matching, ...others].slice(0, AGENT_KEYS_MOST)
}

function problemOf(identity: FileIdentity, view: AgentView | null, target: ResolvedTarget): string | undefined {
  if (identity.kind === 'locked' && !holds(view, identity.publicKey)) {
    return `The key file ${identity.path} is protected by a passphrase, and the SSH agent does not hold its key.`
  }
  return identity.kind === 'problem' && target.areIdentitiesNamed ? identity.says : undefined
}

function assemble(target: ResolvedTarget, view: AgentView | null, identities: readonly FileIdentity[]): Credentials {
  const username = target.user
  const chosen = view === null ? [] : chooseAgentKeys(view, identities, target)
  const isInAgent = (key: ParsedKey): boolean => chosen.some((held) => held.getPublicSSH().equals(key.getPublicSSH()))
  const files = identities.filter((identity) => identity.kind === 'key').filter(({ key }) => !isInAgent(key))
  const methods: AnyAuthMethod[] = files.map(({ key }) => ({ type: 'publickey', username, key }))
  const offered = files.map(({ path }) => `the key file ${path}`)
  if (view !== null && chosen.length > 0) {
    const agent = new ChosenKeysAgent(view.agent, chosen)
    methods.unshift({ type: 'agent', username, agent })
    offered.unshift(`${chosen.length === 1 ? 'one key' : `${chosen.length} keys`} of the SSH agent`)
  }
  const problems = identities.map((identity) => problemOf(identity, view, target)).filter((says) => says !== undefined)
  return { methods, offered, problems }
}

/** Gathers what may be offered; with no method at all, `problems` says why. Never throws. */
export async function gatherCredentials(target: ResolvedTarget): Promise<Credentials> {
  const [answer, identities] = await Promise.all([
    askAgent(target.agentSocket),
    Promise.all(target.identityFiles.map((path) => readIdentity(path))),
  ])
  const view = answer instanceof Error ? null : answer
  const credentials = assemble(target, view, identities)
  const agentSays = answer instanceof Error ? ['The SSH agent does not answer.'] : []
  return { ...credentials, problems: [...agentSays, ...credentials.problems] }
}
