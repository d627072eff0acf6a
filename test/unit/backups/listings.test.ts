import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Listings } from '../../../host-daemon/backups/listings.ts'
import type { RecoveryPointId } from '../../../src-shared/model/ids.ts'
import type { PointEntry } from '../../../src-shared/model/recovery-point.ts'

const POINT = 'ab'.repeat(32) as RecoveryPointId
const MANY = 50_000

describe('kept listings', () => {
  let folder: string
  let listings: Listings
  const file = () => join(folder, 'listings', `${POINT}.jsonl.gz`)
  const entry = (path: string): PointEntry => ({ path, type: 'file', bytes: 7, modifiedAt: -5, mode: 0o755 })
  const tell = (entries: readonly PointEntry[]) => async (onEntry: (entry: PointEntry) => Promise<void> | void) => {
    for (const each of entries) await onEntry(each)
  }
  async function read(): Promise<PointEntry[]> {
    const entries: PointEntry[] = []
    for await (const each of listings.read(POINT)) entries.push(each)
    return entries
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-listings-'))
    listings = new Listings(join(folder, 'listings'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('come back as they were, hostile names too', async () => {
    const names = ['/a\nb', '/"', '/\u0000', '/ä😀', '/\ufffd', `/${'x'.repeat(4000)}`, '/[1,2]']
    const types = ['file', 'directory', 'symlink', 'other'] as const
    const entries = names.map((name, at) => ({ ...entry(name), type: types[at % 4]! }))
    await listings.make(POINT, tell(entries))
    expect(await read()).toEqual(entries)
  })

  it('come back when they are long, and are small on disk', async () => {
    const entries = Array.from({ length: MANY }, (_unused, at) => entry(`/folder/file-${at}`))
    await listings.make(POINT, tell(entries))
    let count = 0
    for await (const each of listings.read(POINT)) expect(each.path).toBe(entries[count++]!.path)
    expect(count).toBe(MANY)
    expect((await readFile(file())).length).toBeLessThan(MANY * 12)
  })

  it('may be empty', async () => {
    await listings.make(POINT, tell([]))
    expect(await read()).toEqual([])
  })

  it('are not there, whole or not at all, when their making fails', async () => {
    const failing = async (onEntry: (each: PointEntry) => Promise<void> | void) => {
      for (let at = 0; at < MANY; at += 1) await onEntry(entry(`/${at}`))
      throw new Error('the repository went away')
    }
    await expect(listings.make(POINT, failing)).rejects.toThrow('the repository went away')
    expect(await readdir(join(folder, 'listings'))).toEqual([])
    await expect(read()).rejects.toThrow('ENOENT')
  })

  it('stay as they were when they cannot be made anew', async () => {
    await listings.make(POINT, tell([entry('/a')]))
    await expect(listings.make(POINT, () => Promise.reject(new Error('No.')))).rejects.toThrow('No.')
    expect(await read()).toEqual([entry('/a')])
  })

  it('are made once for all who ask at the same time, and again where that fails', async () => {
    let made = 0
    const gate = Promise.withResolvers<undefined>()
    const slow = async () => {
      made += 1
      await gate.promise
      if (made === 1) throw new Error('No.')
    }
    const asked = [1, 2, 3].map(() => listings.make(POINT, slow))
    gate.resolve(undefined)
    expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual([
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    expect(made).toBe(2)
  })

  it('that are cut off or damaged are no listings', async () => {
    const entries = Array.from({ length: 1_000 }, (_unused, at) => entry(`/folder/file-${at}`))
    await listings.make(POINT, tell(entries))
    const whole = await readFile(file())
    await truncate(file(), whole.length - 9)
    await expect(read()).rejects.toThrow()
    whole[Math.floor(whole.length / 2)]! ^= 0xff
    await writeFile(file(), whole)
    await expect(read()).rejects.toThrow()
  })

  it('are removed, with what is left of their making', async () => {
    await listings.make(POINT, tell([entry('/a')]))
    await writeFile(`${file()}.making`, 'half')
    await listings.remove(POINT)
    await listings.remove(POINT)
    expect(await readdir(join(folder, 'listings'))).toEqual([])
  })

  it('of what is no id are refused', async () => {
    await expect(listings.make('../x' as RecoveryPointId, tell([]))).rejects.toThrow()
  })

  it('that cannot be written say so, and leave nothing', async () => {
    const full = new Listings('/dev/full/listings')
    await expect(full.make(POINT, tell([entry('/a')]))).rejects.toThrow()
  })
})
