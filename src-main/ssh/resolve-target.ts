import { join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostTarget } from '../../src-shared/model/host.ts'
import { hostDirectivesOf, type HostDirectives } from './config-files.ts'
import type { SshEnvironment } from './environment.ts'
import { knownHostsName } from './known-hosts.ts'

/** Everything needed to log in to one machine, after `ssh_config` and OpenSSH's defaults. */
export interface ResolvedTarget {
  /** As the person calls it. */
  readonly alias: string
  readonly host: string
  readonly port: number
  readonly user: string
  /** The name that its key has in `known_hosts`. */
  readonly hostKeyName: string
  readonly knownHostsFiles: readonly string[]
  readonly identityFiles: readonly string[]
  /** The identity files were named by someone, so that a missing one is worth a word. */
  readonly areIdentitiesNamed: boolean
  /** Only the identity files may be offered, be it through the agent. */
  readonly identitiesOnly: boolean
  readonly agentSocket: string | null
  /** Machines to pass through, the first one first. */
  readonly jumps: readonly ResolvedTarget[]
}

const DEFAULT_IDENTITIES = ['id_ed25519', 'id_ecdsa', 'id_rsa']
const DEFAULT_KNOWN_HOSTS = ['known_hosts', 'known_hosts2']
const JUMP_DEPTH = 8

function first(directives: HostDirectives, name: string): string | undefined {
  const value = directives[name]
  return typeof value === 'string' ? value : value?.[0]
}

function all(directives: HostDirectives, name: string): string[] | undefined {
  const value = directives[name]
  if (value === undefined) return undefined
  return typeof value === 'string' ? value.split(/\s+/) : [...value]
}

interface Names {
  readonly alias: string
  readonly host: string
  readonly port: number
  readonly user: string
}

/** `%` tokens, `~` and `${NAME}` of a file path. */
function expandPath(path: string, names: Names, environment: SshEnvironment): string {
  const tokens: Record<string, string> = {
    '%': '%',
    d: environment.home,
    u: environment.user,
    h: names.host,
    n: names.alias,
    p: String(names.port),
    r: names.user,
  }
  const replaced = path
    .replace(/%(.)/g, (whole, token: string) => tokens[token] ?? whole)
    .replace(/\$\{(\w+)\}/g, (_whole, name: string) => environment.variables[name] ?? '')
  return replaced.startsWith('~/') ? join(environment.home, replaced.slice(2)) : replaced
}

function portOf(text: string | undefined, alias: string): number {
  if (text === undefined) return 22
  const port = Number(text)
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port
  throw new PilothouseError('invalid_request', `The SSH configuration gives ${alias} the port ${text}, which is none.`)
}

function namesOf(
  target: Pick<HostTarget, 'address' | 'port' | 'user'>,
  directives: HostDirectives,
  environment: SshEnvironment,
): Names {
  const host = first(directives, 'hostname')?.replace(/%(.)/g, (whole, token) => {
    return token === 'h' ? target.address : token === '%' ? '%' : whole
  })
  return {
    alias: target.address,
    host: host ?? target.address,
    port: target.port ?? portOf(first(directives, 'port'), target.address),
    user: target.user ?? first(directives, 'user') ?? environment.user,
  }
}

function identitiesOf(
  target: { identityFile?: string | undefined },
  directives: HostDirectives,
  environment: SshEnvironment,
) {
  const asked = target.identityFile === undefined ? all(directives, 'identityfile') : [target.identityFile]
  const named = asked?.filter((path) => path.toLowerCase() !== 'none')
  return {
    identityFiles: named ?? DEFAULT_IDENTITIES.map((name) => join(environment.home, '.ssh', name)),
    areIdentitiesNamed: named !== undefined,
    identitiesOnly: target.identityFile !== undefined || first(directives, 'identitiesonly')?.toLowerCase() === 'yes',
  }
}

function agentSocketOf(directives: HostDirectives, names: Names, environment: SshEnvironment): string | null {
  const asked = first(directives, 'identityagent')
  if (asked === undefined || asked === 'SSH_AUTH_SOCK') return environment.agentSocket
  if (asked === 'none') return null
  if (asked.startsWith('$') && !asked.startsWith('${')) return environment.variables[asked.slice(1)] ?? null
  return expandPath(asked, names, environment)
}

/** `[user@]host[:port]` or `ssh://[user@]host[:port]`; a literal IPv6 address stands in brackets. */
export function parseJump(text: string): Pick<HostTarget, 'address' | 'port' | 'user'> {
  const match =
    /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^@:[\]\s]+))(?::([0-9]{1,5}))?\/?$/.exec(text)
  const address = match?.[2] ?? match?.[3]
  if (address === undefined || address.startsWith('-')) {
    throw new PilothouseError(
      'invalid_request',
      `The SSH configuration names a jump host that cannot be understood: ${text}.`,
    )
  }
  const [user, port] = [match?.[1], match?.[4]]
  return {
    address,
    ...(user === undefined ? {} : { user }),
    ...(port === undefined ? {} : { port: portOf(port, address) }),
  }
}

async function jumpsOf(directives: HostDirectives, alias: string, context: Context): Promise<ResolvedTarget[]> {
  const list = first(directives, 'proxyjump')
  if (list === undefined || list.toLowerCase() === 'none') {
    const command = first(directives, 'proxycommand')
    if (list !== undefined || command === undefined || command.toLowerCase() === 'none') return []
    throw new PilothouseError(
      'invalid_request',
      `The SSH configuration reaches ${alias} by ProxyCommand, which is not run here.`,
      {
        hint: 'Use ProxyJump for this host.',
      },
    )
  }
  if (context.depth >= JUMP_DEPTH) {
    throw new PilothouseError(
      'invalid_request',
      `The SSH configuration sends ${alias} through too many jump hosts, or in a circle.`,
    )
  }
  // The first one may itself lie behind others; the rest are reached from their predecessor.
  const hops = list.split(',').map((text) => parseJump(text.trim()))
  const resolved = await Promise.all(hops.map((hop) => resolve(hop, { ...context, depth: context.depth + 1 })))
  return resolved.flatMap((hop, index) =>
    index === 0 ? [...hop.jumps, { ...hop, jumps: [] }] : [{ ...hop, jumps: [] }],
  )
}

interface Context {
  readonly environment: SshEnvironment
  readonly depth: number
}

type Asked = Pick<HostTarget, 'address' | 'port' | 'user' | 'identityFile'>

async function resolve(target: Asked, context: Context): Promise<ResolvedTarget> {
  const { environment } = context
  const directives = await hostDirectivesOf(target.address, environment)
  const names = namesOf(target, directives, environment)
  const known =
    all(directives, 'userknownhostsfile') ?? DEFAULT_KNOWN_HOSTS.map((name) => join(environment.home, '.ssh', name))
  const globalKnown = all(directives, 'globalknownhostsfile') ?? environment.globalKnownHostsFiles
  const identities = identitiesOf(target, directives, environment)
  return {
    ...names,
    ...identities,
    identityFiles: identities.identityFiles.map((path) => expandPath(path, names, environment)),
    // An alias stands for name and port, as it does for OpenSSH.
    hostKeyName: first(directives, 'hostkeyalias')?.toLowerCase() ?? knownHostsName(names.host, names.port),
    knownHostsFiles: [...known, ...globalKnown]
      .filter((path) => path !== 'none')
      .map((path) => expandPath(path, names, environment)),
    agentSocket: agentSocketOf(directives, names, environment),
    jumps: await jumpsOf(directives, target.address, context),
  }
}

/** Completes a target from `ssh_config`. Throws `invalid_request` with a sentence for what cannot be followed. */
export function resolveTarget(target: HostTarget, environment: SshEnvironment): Promise<ResolvedTarget> {
  return resolve(target, { environment, depth: 0 })
}
