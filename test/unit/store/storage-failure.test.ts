import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toPilothouseError } from '../../../host-daemon/server/wire-error.ts'
import { storageFailure } from '../../../host-daemon/store/storage-failure.ts'
import { PilothouseError } from '../../../src-shared/error.ts'

let folder: string
let raw: BetterSqlite3.Database

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-storage-'))
  raw = new BetterSqlite3(join(folder, 'some.db'))
  raw.exec('CREATE TABLE things (content TEXT UNIQUE)')
})
afterEach(async () => {
  raw.close()
  await rm(folder, { recursive: true })
})

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}

const errno = (code: string) => Object.assign(new Error(`${code}: something`), { code })

describe('what a failing store is called', () => {
  it('a full database, a read-only one, and what the file system says of itself', () => {
    raw.pragma('max_page_count = 3')
    const full = thrownBy(() => raw.prepare('INSERT INTO things VALUES (hex(zeroblob(65536)))').run())
    raw.pragma('query_only = ON')
    const readOnly = thrownBy(() => raw.prepare(`INSERT INTO things VALUES ('x')`).run())
    const all = [full, readOnly, errno('ENOSPC'), errno('EROFS'), errno('SQLITE_IOERR_WRITE')]
    const says = all.map((error) => toPilothouseError(error, 'req-1'))
    expect(says.map(({ code }) => code)).toEqual(all.map(() => 'storage_failed'))
    expect(says.map(({ message }) => message)).toEqual([
      expect.stringMatching(/no space left.*Nothing was changed/),
      expect.stringMatching(/cannot be written to/),
      expect.stringMatching(/no space left/),
      expect.stringMatching(/cannot be written to/),
      expect.stringMatching(/the disk failed/),
    ])
    expect(says.every(({ requestId, retryable }) => requestId === 'req-1' && retryable)).toBe(true)
  })

  it('a step of an operation says so without claiming that nothing happened', () => {
    const failure = storageFailure(errno('ENOSPC'), 'step')
    expect(`${failure?.message} ${failure?.hint}`).not.toMatch(/[Nn]othing was changed/)
  })

  it('nothing else: a broken constraint, a missing file, an error of the closed set', () => {
    raw.exec(`INSERT INTO things VALUES ('x')`)
    const taken = thrownBy(() => raw.exec(`INSERT INTO things VALUES ('x')`))
    for (const error of [taken, errno('ENOENT'), new PilothouseError('home_gone', 'Gone.'), 'text', undefined])
      expect(storageFailure(error)).toBeUndefined()
  })
})
