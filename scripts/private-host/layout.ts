import { join } from 'node:path'

/** Where the host's folder is seen by everything that runs in the host's own view of the machine. */
export const VIEW_ROOT = '/run/pilothouse-host'
/** Where the role sockets are in that view: the place where a console looks by default. */
export const VIEW_SOCKETS = '/run/pilothouse'

/** The logins of a private host, each with the role of its name. */
export const LOGINS = ['viewer', 'operator', 'admin'] as const
export type Login = (typeof LOGINS)[number]

/** Every path of one private host. All are below `root`, which belongs to root; the client's are below `client`. */
export interface HostLayout {
  readonly root: string
  /** Belongs to whoever runs the console: client keys and known_hosts. */
  readonly client: string
  /** The same place inside the view: `/run/pilothouse-host/…`, short enough for sockets and open to every guest. */
  inView(path: string): string
  readonly accounts: string
  readonly runOverlay: string
  readonly sshd: string
  readonly homes: string
  readonly logs: string
  readonly state: string
  readonly sockets: string
  readonly daemonConfig: string
  readonly hostRecord: string
}

export function hostLayout(stateFolder: string): HostLayout {
  const root = join(stateFolder, 'host')
  return {
    root,
    client: join(stateFolder, 'client'),
    inView: (path) => join(VIEW_ROOT, path.slice(root.length)),
    accounts: join(root, 'accounts'),
    runOverlay: join(root, 'run-overlay'),
    sshd: join(root, 'sshd'),
    homes: join(root, 'homes'),
    logs: join(root, 'logs'),
    state: join(root, 'state'),
    sockets: join(root, 'sockets'),
    daemonConfig: join(root, 'daemon.json'),
    hostRecord: join(root, 'host.json'),
  }
}

export function clientKeyOf(layout: HostLayout, login: Login): string {
  return join(layout.client, `id_${login}`)
}
