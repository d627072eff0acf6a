import { fromRoot, installedProgram } from '../lib/paths.ts'
import { run, runAny } from '../lib/run.ts'
import { argvAs, environmentOf, type WindowUser } from '../window/user.ts'
import type { HostAccess } from './host-process.ts'

export const HOST_NAME = 'local'
const CALL_DEADLINE_MS = 60_000

/** What the console of quickstart shows of an environment, as far as quickstart asks. */
export interface ListedEnvironment {
  readonly id: string
  readonly name: string
  readonly observed: { readonly kind: string }
  readonly isProtected: boolean
  readonly home: { readonly id: string }
}

/** The product's own command line, on the console's own data, as the window's user. */
export class ConsoleCli {
  private readonly user: WindowUser
  readonly environment: Record<string, string>

  constructor(user: WindowUser, dataFolder: string) {
    this.user = user
    this.environment = environmentOf(user, { PILOTHOUSE_DATA_DIR: dataFolder })
  }

  private argv(words: readonly string[]): string[] {
    return argvAs(this.user, [installedProgram('node'), fromRoot('out', 'main', 'cli.js'), ...words, '--json'])
  }

  /** One command's answer. Throws `CommandFailed`. */
  private async ask(...words: string[]): Promise<unknown> {
    const stdout = await run(this.argv(words), { env: this.environment, deadlineMs: CALL_DEADLINE_MS, cwd: '/' })
    return JSON.parse(stdout)
  }

  private async try(...words: string[]): Promise<void> {
    await runAny(this.argv(words), { env: this.environment, deadlineMs: CALL_DEADLINE_MS, cwd: '/' })
  }

  /** The host under its name, reached as `access` says, its key pinned. Answers its id. */
  async register(access: HostAccess): Promise<string> {
    const { target, fingerprint } = access
    await this.try('hosts', 'remove', HOST_NAME)
    const where = ['--port', String(target.port), '--user', target.user, '--identity-file', target.identityFile]
    await this.ask('hosts', 'add', HOST_NAME, target.address, ...where, '--socket-directory', target.socketDirectory)
    const host = (await this.ask('hosts', 'accept-key', HOST_NAME, fingerprint)) as { id: string }
    return host.id
  }

  async environments(): Promise<readonly ListedEnvironment[]> {
    const answer = (await this.ask('env', 'list', '--host', HOST_NAME)) as { environments: ListedEnvironment[] }
    return answer.environments
  }

  /** Answers the new environment's id at once; the guest boots meanwhile. */
  async spawn(name: string): Promise<string> {
    const what = ['--owner', 'local', '--image', 'minimal@1', '--host', HOST_NAME]
    return ((await this.ask('env', 'spawn', name, ...what)) as { environmentId: string }).environmentId
  }

  async start(name: string): Promise<void> {
    await this.ask('env', 'start', name, '--host', HOST_NAME)
  }

  async stop(name: string): Promise<void> {
    await this.ask('env', 'stop', name, '--wait', '--host', HOST_NAME)
  }
}
