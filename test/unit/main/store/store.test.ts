import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { openStore, type ConsoleStore } from '../../../../src-main/store/store.ts'
import { hostTargetSchema } from '../../../../src-shared/model/host.ts'
import { hostIdSchema, hostNameSchema, requestIdSchema } from '../../../../src-shared/model/ids.ts'
import { backupSample, environmentSample, operationSample } from '../../../support/contract-samples.ts'

const id = hostIdSchema.parse('host-0000abcd')
const name = hostNameSchema.parse('lab')
const target = hostTargetSchema.parse({ address: 'lab.example', port: 2222 })
const key = { type: 'ssh-ed25519', fingerprint: 'SHA256:x' }
let folder: string
let store: ConsoleStore

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'pilothouse-store-')), 'console')
  store = openStore(folder)
})
afterEach(async () => {
  store.dispose()
  await rm(join(folder, '..'), { recursive: true, force: true })
})

function reopen(): void {
  store.dispose()
  store = openStore(folder)
}

describe('the file', () => {
  it('is for its user alone, and durable', async () => {
    expect((await stat(folder)).mode & 0o777).toBe(0o700)
    expect((await stat(join(folder, 'console.db'))).mode & 0o777).toBe(0o600)
    const db = new Database(join(folder, 'console.db'))
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal')
    db.close()
  })

  it('of a newer console is refused', () => {
    store.dispose()
    const db = new Database(join(folder, 'console.db'))
    db.pragma('user_version = 999')
    db.close()
    expect(() => openStore(folder)).toThrow(/newer version/)
    store = openStore(':memory:')
  })
})

describe('hosts', () => {
  it('are kept with their pinned key', () => {
    store.hosts.add({ id, name, target }, 1)
    store.hosts.pin(id, key)
    store.hosts.setWanted(id, false)
    reopen()
    expect(store.hosts.list()).toEqual([{ id, name, target, pinnedKey: key, isWanted: false }])
    expect(store.hosts.byName(name)).toEqual(store.hosts.get(id))
  })

  it('have one key, the first that was pinned', () => {
    store.hosts.add({ id, name, target }, 1)
    store.hosts.pin(id, key)
    expect(store.hosts.pin(id, key).pinnedKey).toEqual(key)
    const other = () => store.hosts.pin(id, { ...key, fingerprint: 'SHA256:y' })
    expect(other).toThrow(expect.objectContaining({ code: 'host_key_changed' }) as Error)
    expect(store.hosts.get(id)?.pinnedKey).toEqual(key)
    store.hosts.remove(id)
    expect(() => store.hosts.pin(id, key)).toThrow(expect.objectContaining({ code: 'not_found' }) as Error)
  })

  it('have names of their own', () => {
    store.hosts.add({ id, name, target }, 1)
    const again = () => store.hosts.add({ id: hostIdSchema.parse('host-00000001'), name, target }, 2)
    expect(again).toThrow(expect.objectContaining({ code: 'name_taken' }) as Error)
  })
})

describe('what was last heard', () => {
  const confirmed = { cursor: { epoch: 'e', seq: 7 }, confirmedAt: 5 }
  beforeEach(() => {
    store.hosts.add({ id, name, target }, 1)
    const changes = [
      { kind: 'environment', id: environmentSample.id, body: environmentSample },
      { kind: 'operation', id: operationSample.id, body: operationSample },
      { kind: 'backup', id: environmentSample.id, body: backupSample },
    ] as const
    store.cache.save(id, changes, confirmed)
  })

  it('is there after a restart', () => {
    reopen()
    expect(store.cache.load(id)).toEqual({
      environments: [environmentSample],
      operations: [operationSample],
      backups: [backupSample],
      ...confirmed,
    })
  })

  it('has no cursor while it is not of one moment', () => {
    store.cache.save(id, [{ kind: 'environment', id: environmentSample.id, body: null }], {
      cursor: null,
      confirmedAt: 6,
    })
    expect(store.cache.load(id)).toEqual({
      environments: [],
      operations: [operationSample],
      backups: [backupSample],
      cursor: null,
      confirmedAt: 6,
    })
  })

  it('passes over rows that it cannot read', () => {
    const db = new Database(join(folder, 'console.db'))
    db.prepare(`UPDATE cached_rows SET body = '{"id":"old"}' WHERE kind = 'environment'`).run()
    db.close()
    expect(store.cache.load(id)).toMatchObject({ environments: [], operations: [operationSample] })
  })

  it('goes with its host', () => {
    expect(store.hosts.remove(id)).toBe(true)
    expect(store.hosts.remove(id)).toBe(false)
    expect(store.cache.load(id)).toEqual({
      environments: [],
      operations: [],
      backups: [],
      cursor: null,
      confirmedAt: null,
    })
  })
})

it('records commands before they are sent, and their outcome', () => {
  const requestId = requestIdSchema.parse('req-00000000000000aa')
  const end = store.commands.begin({ requestId, commandId: null, hostId: id, call: 'environments.stop' }, 1)
  expect(store.commands.list(1)).toMatchObject([{ outcome: 'sent', endedAt: null }])
  end('forbidden', 2)
  reopen()
  expect(store.commands.list(1)).toMatchObject([{ requestId, outcome: 'forbidden', sentAt: 1, endedAt: 2 }])
})

it('keeps settings, and passes over those that do not fit any more', () => {
  store.settings.set('window', { width: 800 })
  expect(store.settings.get('window', z.object({ width: z.number() }))).toEqual({ width: 800 })
  expect(store.settings.get('window', z.object({ height: z.number() }))).toBeUndefined()
  expect(store.settings.get('none', z.string())).toBeUndefined()
})
