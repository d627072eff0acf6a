import { homedir } from 'node:os'
import { join } from 'node:path'
import { loginName } from '../lib/login-name.ts'

/** What SSH takes from the machine and the person that the console runs as. Tests give their own. */
export interface SshEnvironment {
  readonly home: string
  /** Login name used where nothing names another. */
  readonly user: string
  /** Path of the SSH agent's socket; null for no agent. */
  readonly agentSocket: string | null
  /** `ssh_config` files, the most important first; those that do not exist are passed over. */
  readonly configFiles: readonly string[]
  readonly globalKnownHostsFiles: readonly string[]
  /** For `${NAME}` in `ssh_config`. */
  readonly variables: Readonly<Record<string, string | undefined>>
}

/** OpenSSH's own places. */
export function systemSshEnvironment(): SshEnvironment {
  const home = homedir()
  return {
    home,
    user: loginName(process.env),
    agentSocket: process.env['SSH_AUTH_SOCK'] ?? null,
    configFiles: [join(home, '.ssh', 'config'), '/etc/ssh/ssh_config'],
    globalKnownHostsFiles: ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
    variables: process.env,
  }
}
