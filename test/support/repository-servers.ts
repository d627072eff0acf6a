import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { RepositoryAccess } from '../../host-daemon/backups/restic/access.ts'
import { repositoryLocationSchema, type RepositoryLocation } from '../../src-shared/model/repository.ts'
import { END_WITH_US } from './end-with-us.ts'
import { FakeS3Server } from './fake-s3-server.ts'
import { LoopbackSshd } from './loopback-sshd.ts'
import { makeKey } from './ssh-keys.ts'
import { waitFor } from './wait-for.ts'

/** A server on loopback that keeps repositories in a folder of this machine, in restic's own layout. */
export interface RepositoryServer {
  readonly base: RepositoryLocation
  readonly access: RepositoryAccess
  /** As `access`, of somebody whom the server does not let in. */
  readonly refused: RepositoryAccess
  /** Secrets of the way in; nobody may see them. */
  readonly secrets: readonly string[]
  /** Where a repository of it is kept. */
  folderOf(location: string): string
  /** Breaks all connections off and takes no new ones. */
  goDark(): Promise<void>
  /** Serves again, at the same place. */
  comeBack(): Promise<void>
  dispose(): Promise<void>
}

/** The end of a location is the end of its folder. */
const below = (kept: string, base: string) => (location: string) =>
  join(kept, location.slice(base.length).replaceAll(/^\/|\/$/g, ''))

export interface SftpRepositoryServer extends RepositoryServer {
  /** A file of known hosts with another key of this one. */
  readonly strange: string
  /** A folder of its own for whatever a host keeps; not made. */
  readonly kept: string
  /** Lets in whoever has the other half of that key. */
  authorize(publicKey: string): Promise<void>
}

/** A real sshd with its own sftp. */
export async function startSftpServer(): Promise<SftpRepositoryServer> {
  const sshd = await LoopbackSshd.start()
  const at = (name: string): string => join(sshd.folder, name)
  const { type, encoded } = await sshd.publicHostKey()
  const name = `[127.0.0.1]:${sshd.port}`
  await makeKey(at('stranger'))
  await writeFile(at('strange'), `${name} ${(await readFile(at('stranger.pub'), 'utf8')).trim()}\n`)
  await writeFile(at('known'), `${name} ${type} ${encoded}\n`)
  const base = repositoryLocationSchema.parse(
    `sftp://${userInfo().username}@127.0.0.1:${sshd.port}/${at('kept/points')}`,
  )
  return {
    base,
    access: { sftpKeyFile: at('id'), sftpKnownHostsFile: at('known') },
    refused: { sftpKeyFile: at('stranger'), sftpKnownHostsFile: at('known') },
    secrets: [],
    kept: at('host'),
    authorize: (publicKey) => appendFile(at('authorized_keys'), publicKey),
    strange: at('strange'),
    folderOf: below(at('kept/points'), base),
    goDark: () => sshd.goDark(),
    comeBack: () => sshd.launch(),
    dispose: () => sshd.dispose(),
  }
}

const USER = 'points'
/** Letters that mean something in a URL. */
const SECRET = 's3cr:t@/%41'

/** rclone's server of restic's REST protocol, with a user and a password. */
export async function startRestServer(): Promise<RepositoryServer> {
  const folder = await mkdtemp(join(tmpdir(), 'pilothouse-rest-'))
  const at = (name: string): string => join(folder, name)
  await mkdir(at('kept'))
  await writeFile(at('credentials'), `${USER}:${SECRET}\n`, { mode: 0o600 })
  await writeFile(at('refused'), `${USER}:not-${SECRET}\n`, { mode: 0o600 })
  let server = await launchRclone(at('kept'), 0)
  const base = repositoryLocationSchema.parse(`rest:http://127.0.0.1:${server.port}/points/`)
  return {
    base,
    access: { restCredentialsFile: at('credentials') },
    refused: { restCredentialsFile: at('refused') },
    secrets: [SECRET, encodeURIComponent(SECRET)],
    folderOf: below(at('kept/points'), base),
    goDark: () => ended(server.process),
    comeBack: async () => void (server = await launchRclone(at('kept'), server.port)),
    dispose: async () => {
      await ended(server.process)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Stands in for S3; its client is restic's own. */
export async function startFakeS3Server(): Promise<RepositoryServer> {
  const folder = await mkdtemp(join(tmpdir(), 'pilothouse-s3-'))
  const at = (name: string): string => join(folder, name)
  const keysIn = (secret: string): string =>
    `[default]\naws_access_key_id = points\naws_secret_access_key = ${secret}\n`
  await writeFile(at('credentials'), keysIn(SECRET), { mode: 0o600 })
  await writeFile(at('refused'), keysIn(`not-${SECRET}`), { mode: 0o600 })
  const server = new FakeS3Server(at('kept'), { id: 'points', secret: SECRET })
  const base = repositoryLocationSchema.parse(`s3:http://127.0.0.1:${await server.listen()}/bucket/points`)
  return {
    base,
    access: { s3CredentialsFile: at('credentials') },
    refused: { s3CredentialsFile: at('refused') },
    secrets: [SECRET],
    folderOf: below(at('kept/bucket/points'), base),
    goDark: () => server.close(),
    comeBack: async () => {
      await server.listen()
    },
    dispose: async () => {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function launchRclone(kept: string, port: number): Promise<{ process: ChildProcess; port: number }> {
  const options = ['--config', '/dev/null', '--cache-objects=false', '--addr', `127.0.0.1:${port}`, kept]
  const env = { PATH: process.env['PATH'], RCLONE_USER: USER, RCLONE_PASS: SECRET }
  const server = spawn('setpriv', [...END_WITH_US, 'rclone', 'serve', 'restic', ...options], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env,
  })
  let says = ''
  server.stderr.setEncoding('utf8').on('data', (text: string) => (says = `${says}${text}`.slice(-4000)))
  const served = (): string | undefined => /Serving restic REST API on http:\/\/127\.0\.0\.1:(\d+)/.exec(says)?.[1]
  await waitFor('rclone to listen', () => {
    if (server.exitCode !== null) throw new Error(`rclone ended: ${says}`)
    return served() !== undefined
  })
  return { process: server, port: Number(served()) }
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const gone = once(server, 'exit')
  server.kill('SIGKILL')
  await gone
}
