import { existsSync } from 'node:fs'
import { rm, statfs, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { homeImagePath } from '../../host-daemon/drivers/qemu/handles.ts'
import { refusalOf } from '../support/fake-driver-daemon.ts'
import { startTroubleDaemon, type TroubleDaemon } from '../support/trouble-daemon.ts'

const MIB = 1024 * 1024
const DATA_MIB = 24
/** The home, a whole new one beside it, and a little. */
const HOMES_MIB = 112
const REPOSITORY_MIB = 320
const MORE = (name: string) => `head -c ${DATA_MIB}m /dev/urandom > /home/${name}`

interface Paths {
  readonly reading: string
  readonly go: string
}

describe('a disk that fills up', () => {
  let host: TroubleDaemon
  const freeBytes = async () => {
    const { bavail, bsize } = await statfs(host.homesDirectory)
    return bavail * bsize
  }

  beforeAll(async () => {
    host = await startTroubleDaemon({ disksMiB: { homes: HOMES_MIB, repositories: REPOSITORY_MIB, scratch: 4 } })
    await host.spawn()
    await host.inGuest(MORE('data'))
    await host.point()
  }, 180_000)
  afterAll(() => host.remove(), 120_000)

  it('while restic restores leaves the home, the guest and the disk as they were', async () => {
    const before = await host.tree()
    const { boot, home } = await host.get()
    await host.beforeRestic(`case " $* " in *" restore "*) cat /dev/zero > ${host.at('homes/filler')};; esac`)
    const failed = await host.restore()
    expect(failed).toMatchObject({ status: { kind: 'failed', failure: { code: 'storage_failed' } } })
    await host.free('homes')
    expect(await host.get()).toMatchObject({
      home: { id: home.id },
      boot: { id: boot?.id },
      observed: { kind: 'running' },
    })
    expect(await host.tree()).toBe(before)
    expect(await host.leftovers()).toEqual([])
    await host.beforeRestic('')
    expect(await host.restore()).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await host.tree()).toBe(before)
  }, 120_000)

  it('before a restore is planned refuses it, with how much is missing', async () => {
    const { home } = await host.get()
    await host.fill('homes')
    const { code, hint } = await refusalOf(host.planRestore())
    expect(code).toBe('host_limit_reached')
    expect(hint).toContain('pilothouse restore drop web --plan')
    const drill = await host.drill()
    expect(drill).toMatchObject({ status: { kind: 'failed', failure: { code: 'host_limit_reached' } } })
    await host.free('homes')
    expect((await host.get()).home.id).toBe(home.id)
    expect(await host.leftovers()).toEqual([])
  }, 60_000)

  it('has the space of a kept home again as soon as that is given up', async () => {
    const { home, boot } = await host.get()
    await host.fill('homes')
    const { plan, ticket } = await host.admin().drop.plan({ environment: 'web' })
    const [freed, before] = [plan.homeBytes ?? 0, await freeBytes()]
    expect(freed).toBeGreaterThan(DATA_MIB * MIB)
    expect(plan.diskFreeBytes).toBe(before)
    const input = { ...host.command(), ticket: ticket.id, confirmName: 'web' }
    await host.succeeded(await host.admin().drop.run(input))
    expect((await freeBytes()) - before).toBeGreaterThanOrEqual(freed)
    expect(existsSync(homeImagePath(host.homesDirectory, plan.homeId))).toBe(false)
    await host.free('homes')
    expect(await host.get()).toMatchObject({ home: { id: home.id }, boot: { id: boot?.id } })
    expect((await host.status()).undo).toBeNull()
    expect(await host.leftovers()).toEqual([])
  }, 60_000)

  it('under the repository fails the backup, and the next one is well', async () => {
    await host.inGuest(MORE('more'))
    const before = await host.tree()
    await host.fill('repositories')
    const failed = await host.backUp()
    expect(failed).toMatchObject({ status: { kind: 'failed', failure: { code: 'storage_failed' } } })
    expect(await host.tree()).toBe(before)
    expect(await host.leftovers()).toEqual([])
    expect(await host.check()).toMatchObject({ status: { kind: 'failed', failure: { code: 'storage_failed' } } })
    expect(await host.prune()).toMatchObject({ status: { kind: 'failed', failure: { code: 'storage_failed' } } })
    expect(await host.leftovers()).toEqual([])
    await host.free('repositories')
    await host.inGuest('rm /home/more')
    await host.point()
    expect(await host.leftovers()).toEqual([])
  }, 120_000)

  it.each([
    ['before restic has read anything', (paths: Paths) => `while [ ! -e ${paths.go} ]; do sleep 0.1; done`],
    ['in the middle of a file', () => 'set -- --limit-upload 2000 "$@"'],
  ])(
    'under what the guest overwrites breaks the view, %s: no point is made of what is left of it',
    async (_when, delayed) => {
      await host.inGuest(`${MORE('data')}; ${MORE('tail')}`)
      const before = (await host.status()).latest?.id
      const paths = { reading: host.at('reading'), go: host.at('go') }
      await host.beforeRestic(`case " $* " in *" backup "*) touch ${paths.reading}; ${delayed(paths)};; esac`)
      const backup = await host.admin().backups.now(host.command())
      await expect.poll(() => existsSync(paths.reading), { timeout: 30_000 }).toBe(true)
      await host.inGuest(`${MORE('data')}; sync; ${MORE('tail')}`)
      const after = await host.tree()
      await writeFile(paths.go, '')
      const failed = await host.ended(backup)
      await host.beforeRestic('')
      await rm(paths.reading)
      await rm(paths.go)
      expect(failed).toMatchObject({ status: { kind: 'failed', failure: { code: 'storage_failed' } }, result: null })
      expect((await host.status()).latest?.id).toBe(before)
      expect(await host.tree()).toBe(after)
      expect(await host.leftovers()).toEqual([])
      await host.inGuest('rm /home/tail')
      await host.point()
    },
    120_000,
  )
})
