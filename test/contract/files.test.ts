import { lstat, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import {
  foldersIn,
  newCommandId,
  refusalOf,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { momentsOf } from '../support/journal-moments.ts'
import { endOf, makePoint, SOURCE_FILES } from '../support/point-bench.ts'
import { waitFor } from '../support/wait-for.ts'

const QUIET = { observeIntervalMs: 50, letGoMs: 50 }
const CONTROL = 'data/with\u001b[31m\nlines'
const LONG = `data/${'n'.repeat(255)}`

describe('a restore of files', () => {
  let host: FakeDriverDaemon
  let point: RecoveryPoint
  const admin = () => host.as('admin')
  const restored = () => foldersIn(host.folder).restored
  const filesInput = (more: object = {}) => ({
    commandId: newCommandId(),
    environment: 'web',
    point: 'latest',
    paths: ['/data'],
    folder: 'ticket-7',
    ...more,
  })
  const files = (more: object = {}) => admin().files(filesInput(more))
  const codeOf = async (call: Promise<unknown>) => (await refusalOf(call)).code
  const failureOf = (operation: Operation) =>
    operation.status.kind === 'failed' ? operation.status.failure : undefined
  const there = () => readdir(restored()).catch(() => [])
  const home = async () => (await admin().environments.get({ environment: 'web' })).home.id
  const noScratchIsLeft = async () => {
    expect(host.machine.homes.ids()).toEqual([await home()])
    expect((await admin().drift.list()).items).toEqual([])
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon({ options: QUIET })
    point = await makePoint(host, { ...SOURCE_FILES, [CONTROL]: 'odd', [LONG]: 'long' })
  })
  afterEach(() => host.remove())

  it('brings what was chosen, and nothing else, into a folder of its own', async () => {
    const done = await endOf(host, await files({ paths: ['/data/', '/data/report.txt', '/etc/hosts'] }))
    expect(done.status.kind).toBe('succeeded')
    const folder = join(restored(), 'ticket-7')
    expect((await readdir(folder)).sort()).toEqual(['data', 'etc'])
    expect(await readdir(join(folder, 'etc'))).toEqual(['hosts'])
    expect(await readFile(join(folder, 'data/old/report.txt'), 'utf8')).toBe('older figures')
    expect(await readFile(join(folder, CONTROL), 'utf8')).toBe('odd')
    expect(await readFile(join(folder, LONG), 'utf8')).toBe('long')
    const told = { kind: 'restore_files', pointId: point.id, folder, files: 5, skipped: [], skippedCount: 0 }
    expect(done.result).toMatchObject(told)
    expect((await stat(restored())).mode & 0o777).toBe(0o700)
    await noScratchIsLeft()
  })

  it('brings everything where the root is chosen', async () => {
    const done = await endOf(host, await files({ paths: ['/'] }))
    expect(done.result).toMatchObject({ files: Object.keys(SOURCE_FILES).length + 2 })
  })

  it.each(['data', '/data/../etc', '/./data', '//data', '/da\0ta', '/data/..'])('refuses the path %j', async (path) => {
    const refusal = await refusalOf(files({ paths: ['/etc', path] }))
    expect(refusal).toMatchObject({ code: 'invalid_request' })
    expect(await there()).toEqual([])
  })

  it('makes nothing where a path is not in the point, and shows its name safely', async () => {
    const done = await endOf(host, await files({ paths: ['/data', '/gone\u001b[2J'] }))
    expect(failureOf(done)).toMatchObject({ code: 'invalid_request' })
    expect(failureOf(done)?.message).toContain(String.raw`"/gone\u001b[2J" is not in the recovery point`)
    expect(host.driver.calls.createHome).toBe(1)
    expect(await there()).toEqual([])
  })

  it('refuses a folder that exists, be it empty or a link into nowhere', async () => {
    await mkdir(join(restored(), 'ticket-7'), { recursive: true })
    expect(await codeOf(files())).toBe('target_exists')
    await symlink('/nowhere', join(restored(), 'ticket-8'))
    expect(await codeOf(files({ folder: 'ticket-8' }))).toBe('target_exists')
    for (const folder of ['..', '.hidden', 'a/b', '-x', 'a..b']) {
      expect(await codeOf(files({ folder })), folder).toBe('invalid_request')
    }
  })

  it('writes nothing to a folder that somebody has made meanwhile', async () => {
    const release = host.repositories.hold('fill')
    const { id } = await files()
    await waitFor('restore', async () => (await admin().operations.get({ id })).step === 'restore')
    await mkdir(join(restored(), 'ticket-7'), { recursive: true })
    release()
    const done = await endOf(host, { id })
    expect(failureOf(done)?.code).toBe('target_exists')
    // It names no folder as its own.
    expect(done.result).toBeNull()
    expect(await there()).toEqual(['ticket-7'])
    expect(await readdir(join(restored(), 'ticket-7'))).toEqual([])
    await noScratchIsLeft()
  })

  it('gives one of two that want the same folder', async () => {
    const both = await Promise.all([files(), files({ paths: ['/etc'] })])
    const ends = await Promise.all(both.map((one) => endOf(host, one)))
    expect(ends.map(({ status }) => status.kind).sort()).toEqual(['failed', 'succeeded'])
    expect(await there()).toEqual(['ticket-7'])
    await noScratchIsLeft()
  })

  it('is for admins, of an environment that is there, and of its own points', async () => {
    expect(await codeOf(host.as('operator').files(filesInput()))).toBe('forbidden')
    expect(await codeOf(files({ environment: 'nobody' }))).toBe('not_found')
    expect(await codeOf(files({ point: 'ab'.repeat(32) }))).toBe('no_recovery_point')
  })

  it('leaves nothing where the repository fails, or files are missing from what it brought', async () => {
    host.repositories.failNext('fill', new PilothouseError('repository_damaged', 'A pack is gone.'))
    expect(failureOf(await endOf(host, await files()))?.code).toBe('repository_damaged')
    host.driver.freeBytes = 0
    expect(failureOf(await endOf(host, await files()))?.code).toBe('host_limit_reached')
    expect(await there()).toEqual([])
    await noScratchIsLeft()
  })

  it('leaves nothing where it is cancelled, and gives way to what changes the home', async () => {
    for (const how of ['cancel', 'reboot'] as const) {
      const release = host.repositories.hold('fill')
      const { id } = await files()
      await waitFor('restore', async () => (await admin().operations.get({ id })).step === 'restore')
      if (how === 'cancel') await admin().operations.cancel({ id })
      else await admin().environments.reboot({ commandId: newCommandId(), environment: 'web' })
      expect((await endOf(host, { id })).status.kind).toBe('cancelled')
      release()
      expect(await there()).toEqual([])
      await noScratchIsLeft()
    }
  })

  it('is accounted for while it runs', async () => {
    const release = host.repositories.hold('fill')
    const { id } = await files()
    await waitFor('restore', async () => (await admin().operations.get({ id })).step === 'restore')
    expect(host.machine.homes.ids()).toHaveLength(2)
    expect((await admin().drift.list()).items).toEqual([])
    release()
    await endOf(host, { id })
  })

  it('leaves the whole folder or none, and no scratch, whenever the daemon is killed', async () => {
    const { repositories } = host
    const moments = await momentsOf(host, async () => endOf(host, await files()))
    expect(moments.length).toBeGreaterThan(6)
    await host.stop()
    for (const { at, folder, machine } of moments) {
      await mkdir(foldersIn(folder).restored)
      const next = await startFakeDriverDaemon({ folder, machine, repositories, options: QUIET })
      try {
        for (const running of await next.as('admin').operations.list({ isRunning: true })) await endOf(next, running)
        expect(machine.homes.ids(), at).toHaveLength(1)
        const left = await readdir(foldersIn(folder).restored)
        expect(left.length, at).toBeLessThanOrEqual(1)
        for (const name of left) {
          expect(name, at).toBe('ticket-7')
          const report = join(foldersIn(folder).restored, name, 'data/old/report.txt')
          expect((await lstat(report)).isFile(), at).toBe(true)
        }
      } finally {
        await next.stop()
        await rm(folder, { recursive: true, force: true })
      }
    }
  }, 60_000)

  it('takes away what a killed daemon had begun to copy out', async () => {
    const release = host.driver.hold('verifyHome')
    const { id } = await files()
    await waitFor('copy', async () => (await admin().operations.get({ id })).step === 'copy')
    const begun = join(restored(), `.${id}.making`)
    await mkdir(begun, { recursive: true })
    await writeFile(join(begun, 'half'), 'of it')
    host = await host.restart()
    release()
    expect((await endOf(host, { id })).status.kind).toBe('succeeded')
    expect(await there()).toEqual(['ticket-7'])
    expect(await readdir(join(restored(), 'ticket-7'))).toEqual(['data'])
    await noScratchIsLeft()
  })
})
