import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Operation } from '../../src-shared/model/operation.ts'
import { locksOf } from '../support/restic-locks.ts'
import { startTroubleDaemon, tool, type TroubleDaemon } from '../support/trouble-daemon.ts'

describe('a repository in trouble', () => {
  let host: TroubleDaemon

  beforeAll(async () => {
    host = await startTroubleDaemon()
    await host.spawn()
    await host.inGuest('mkdir /home/d; head -c 3m /dev/urandom > /home/d/data; echo small > /home/small')
    await host.point()
  }, 180_000)
  afterAll(() => host.remove(), 120_000)

  const codeOf = async (call: () => Promise<unknown>) => {
    try {
      const done = (await call()) as Partial<Operation>
      if (done.status === undefined) return 'answered'
      return done.status.kind === 'failed' ? done.status.failure.code : done.status.kind
    } catch (error) {
      return (error as { readonly code: string }).code
    }
  }
  /** What each use of the repository comes to; the restore runs a plan that was made when all was well. */
  const uses = async (ticket: string) => ({
    plan: await codeOf(() => host.planRestore()),
    run: await codeOf(async () =>
      host.ended(await host.admin().restore.run({ ...host.command(), ticket, confirmName: 'web' })),
    ),
    drill: await codeOf(host.drill),
    backup: await codeOf(host.backUp),
    prune: await codeOf(host.prune),
    check: await codeOf(host.check),
  })
  const everywhere = (code: string) => ({
    plan: code,
    run: code,
    drill: code,
    backup: code,
    prune: code,
    check: code,
  })
  const restic = (args: string) =>
    `restic --repo ${host.at('repositories')}/* --password-file ${host.at('password')} --no-cache ${args}`
  /** A restic of somebody else's that has locked the repository, and sleeps. */
  const sleepingRestic = async (args: string) => {
    const child = spawn('sh', ['-c', `exec ${restic(args)}`], { stdio: ['pipe', 'ignore', 'ignore'] })
    const exited = once(child, 'exit')
    const repository = await host.repository()
    await expect.poll(() => locksOf(repository), { timeout: 20_000, interval: 2 }).not.toEqual([])
    child.kill('SIGSTOP')
    return {
      end: async (signal: 'SIGINT' | 'SIGKILL') => {
        child.kill(signal)
        child.kill('SIGCONT')
        await exited
      },
    }
  }
  const filesBelow = async (root: string) =>
    (await readdir(root, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  const spoil = async (folder: string, change: (bytes: Buffer) => Buffer) => {
    const before = await Promise.all(
      (await filesBelow(join(await host.repository(), folder))).map(async (path) => ({
        path,
        bytes: await readFile(path),
      })),
    )
    for (const { path, bytes } of before) {
      await chmod(path, 0o600)
      await writeFile(path, change(Buffer.from(bytes)))
    }
    return async () => {
      for (const { path, bytes } of before) await writeFile(path, bytes)
    }
  }
  const flip = (bytes: Buffer) => {
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40)
    return bytes
  }
  const forgetCache = () => rm(host.at('cache'), { recursive: true, force: true })

  const moveAway = async (path: string) => {
    await rename(path, host.at('away'))
    // What came in its place stays beside it.
    return async () => {
      if ((await stat(host.at('away'))).isDirectory()) await tool('cp', '-rn', `${host.at('away')}/.`, path)
      else await rename(host.at('away'), path)
      await rm(host.at('away'), { recursive: true, force: true })
    }
  }

  interface Trouble {
    readonly make: () => Promise<() => Promise<unknown>>
    readonly comesTo: Readonly<Record<string, string>>
  }
  const DAMAGED = everywhere('repository_damaged')
  const TROUBLES: Readonly<Record<string, Trouble>> = {
    'is not there': {
      make: async () => moveAway(await host.repository()),
      comesTo: everywhere('repository_missing'),
    },
    'has another password': {
      make: async () => {
        const right = await readFile(host.at('password'))
        await writeFile(host.at('password'), 'wrong\n')
        return () => writeFile(host.at('password'), right)
      },
      comesTo: everywhere('wrong_password'),
    },
    'has a password that cannot be read': {
      make: () => moveAway(host.at('password')),
      comesTo: everywhere('wrong_password'),
    },
    'has a damaged record of a point': {
      make: () => spoil('snapshots', () => Buffer.from('nonsense')),
      comesTo: DAMAGED,
    },
    'has a damaged index': {
      make: () => spoil('index', flip),
      comesTo: { ...DAMAGED, plan: 'answered', drill: 'drill_failed' },
    },
    'has no index': {
      make: async () => {
        // Nothing that a new backup brings makes good what the point has lost.
        await host.inGuest('echo other > /home/small; rm /home/d/data')
        return moveAway(join(await host.repository(), 'index'))
      },
      comesTo: { ...DAMAGED, plan: 'answered', drill: 'drill_failed', backup: 'succeeded' },
    },
    'has bits that flipped in its packs': {
      make: () => spoil('data', flip),
      comesTo: { ...DAMAGED, plan: 'answered', drill: 'drill_failed' },
    },
    'is locked by a restic that lives': {
      make: async () => {
        const other = await sleepingRestic('check --read-data')
        return () => other.end('SIGINT')
      },
      comesTo: { ...everywhere('repository_locked'), plan: 'answered' },
    },
  }

  it.each(Object.keys(TROUBLES))(
    '%s: each use says so, and all is well again afterwards',
    async (name) => {
      const { make, comesTo } = TROUBLES[name]!
      const { home, boot } = await host.get()
      const { ticket } = await host.planRestore()
      await forgetCache()
      const mend = await make()
      try {
        const before = await host.tree()
        expect(await uses(ticket.id)).toEqual(comesTo)
        expect((await host.status()).freshness).toMatchObject({ kind: 'unavailable' })
        expect(await host.tree()).toBe(before)
        expect(await host.get()).toMatchObject({ home: { id: home.id }, boot: { id: boot?.id } })
      } finally {
        await mend()
        await forgetCache()
      }
      expect(await codeOf(host.check)).toBe('succeeded')
      // What its drill has said of the point stays said: only another point, or another drill, is well.
      await host.point()
      expect((await host.status()).freshness).toMatchObject({ kind: 'healthy' })
      expect(await host.leftovers()).toEqual([])
    },
    120_000,
  )

  it('is used again where a restic died that had locked it', async () => {
    const other = await sleepingRestic('check --read-data')
    await other.end('SIGKILL')
    expect(await locksOf(await host.repository())).toHaveLength(1)
    expect(await codeOf(host.backUp)).toBe('succeeded')
    expect((await host.status()).freshness).toMatchObject({ kind: 'healthy' })
    expect(await host.leftovers()).toEqual([])
  }, 60_000)

  it('that a drill found damaged is not well because a backup did not look', async () => {
    await host.inGuest('head -c 2m /dev/urandom > /home/old')
    await host.point()
    await forgetCache()
    const large = (await filesBelow(join(await host.repository(), 'data'))).map(async (path) => ({
      path,
      bytes: await readFile(path),
    }))
    const packs = (await Promise.all(large)).filter(({ bytes }) => bytes.length > 500_000)
    for (const { path, bytes } of packs) {
      await chmod(path, 0o600)
      await writeFile(path, flip(Buffer.from(bytes)))
    }
    expect(await codeOf(host.drill)).toBe('drill_failed')
    expect((await host.status()).freshness).toMatchObject({ kind: 'unavailable' })
    expect(await codeOf(host.backUp)).toBe('succeeded')
    expect((await host.status()).freshness).toMatchObject({ kind: 'unavailable' })
    for (const { path, bytes } of packs) await writeFile(path, bytes)
    expect(await codeOf(host.check)).toBe('succeeded')
    expect((await host.status()).freshness).toMatchObject({ kind: 'healthy' })
  }, 120_000)

  it('that has lost the point since the plan refuses the restore, and says that the point is gone', async () => {
    const { home } = await host.get()
    const { ticket, plan } = await host.planRestore()
    await tool('sh', '-c', restic(`forget ${plan.point.id}`))
    const run = host.admin().restore.run({ ...host.command(), ticket: ticket.id, confirmName: 'web' })
    await expect(run).rejects.toMatchObject({ code: 'no_recovery_point' })
    expect((await host.get()).home.id).toBe(home.id)
    const points = await host.admin().backups.points({ environment: 'web', isForgottenIncluded: true })
    expect(points.find(({ id }) => id === plan.point.id)?.forgottenAt).not.toBeNull()
    await host.point()
  }, 60_000)

  it('is not asked to restore into what has changed since the plan', async () => {
    const { home } = await host.get()
    const { ticket } = await host.planRestore()
    await host.succeeded(await host.admin().environments.stop(host.command()))
    await host.succeeded(await host.admin().environments.start(host.command()))
    const run = host.admin().restore.run({ ...host.command(), ticket: ticket.id, confirmName: 'web' })
    const refused: unknown = await run.catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'plan_outdated' })
    expect((await host.get()).home.id).toBe(home.id)
  }, 60_000)
})
