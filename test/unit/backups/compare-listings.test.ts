import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changesBetween, compareInTreeOrder, countChanges } from '../../../host-daemon/backups/compare-listings.ts'
import type { PointChange, PointEntry } from '../../../src-shared/model/recovery-point.ts'

const entry = (path: string, more: Partial<PointEntry> = {}): PointEntry => ({
  path,
  type: 'file',
  bytes: 1,
  modifiedAt: 1,
  mode: 0o644,
  ...more,
})

async function* listing(entries: readonly PointEntry[]) {
  await Promise.resolve()
  yield* entries
}

const inOrder = (entries: readonly PointEntry[]) =>
  [...entries].sort((one, other) => compareInTreeOrder(one.path, other.path))

async function changes(from: readonly PointEntry[], to: readonly PointEntry[]): Promise<PointChange[]> {
  const found: PointChange[] = []
  for await (const change of changesBetween(listing(inOrder(from)), listing(inOrder(to)))) found.push(change)
  return found
}

/** Component by component, each by its bytes: what the order stands for. */
function byBytes(one: string, other: string): number {
  const [left, right] = [one.split('/'), other.split('/')]
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const order = Buffer.compare(Buffer.from(left[at]!), Buffer.from(right[at]!))
    if (order !== 0) return order
  }
  return left.length - right.length
}

const name = fc.string({
  unit: fc.constantFrom('a', 'b', ' ', '-', '.', '0', '\u0001', 'ä', '\ufffd', '\ue000', '😀', '𝄞'),
  minLength: 1,
  maxLength: 4,
})
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => `/${names.join('/')}`)

describe('the order of a tree', () => {
  it('is that of the names, component by component, by their bytes', () => {
    fc.assert(
      fc.property(path, path, (one, other) => {
        expect(Math.sign(compareInTreeOrder(one, other))).toBe(Math.sign(byBytes(one, other)))
      }),
      { numRuns: 2_000 },
    )
  })

  it('puts what is in a folder before whatever only begins like it', () => {
    const paths = ['/a', '/a/b', '/a b', '/a!', '/a-b', '/a.txt', '/ab']
    expect([...paths].sort(compareInTreeOrder)).toEqual(['/a', '/a/b', '/a b', '/a!', '/a-b', '/a.txt', '/ab'])
  })
})

describe('what changed between two listings', () => {
  it('is what was added, changed and removed, in tree order', async () => {
    const from = [entry('/a'), entry('/b', { bytes: 5 }), entry('/c'), entry('/d', { type: 'directory' })]
    const to = [entry('/a'), entry('/b', { bytes: 7 }), entry('/d', { type: 'directory', modifiedAt: 9 }), entry('/e')]
    expect(await changes(from, to)).toEqual([
      { kind: 'changed', path: '/b', type: 'file', fromBytes: 5, toBytes: 7 },
      { kind: 'removed', path: '/c', type: 'file', fromBytes: 1, toBytes: null },
      { kind: 'added', path: '/e', type: 'file', fromBytes: null, toBytes: 1 },
    ])
  })

  it('is a change of type, mode or time too, but not the time of a folder', async () => {
    const one = [entry('/f'), entry('/g'), entry('/h'), entry('/i', { type: 'directory' })]
    const other = [
      entry('/f', { type: 'symlink' }),
      entry('/g', { mode: 0o600 }),
      entry('/h', { modifiedAt: 2 }),
      entry('/i', { type: 'directory', modifiedAt: 2 }),
    ]
    expect((await changes(one, other)).map(({ path: at, kind }) => `${kind} ${at}`)).toEqual([
      'changed /f',
      'changed /g',
      'changed /h',
    ])
  })

  it('is the same as of two tables, whatever is in them', async () => {
    const entries = fc.uniqueArray(fc.tuple(path, fc.nat(3)), { selector: ([at]) => at, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(entries, entries, async (left, right) => {
        const [from, to] = [new Map(left), new Map(right)]
        const expected = new Set([
          ...[...to.keys()].filter((at) => !from.has(at)).map((at) => `added ${at}`),
          ...[...from.keys()].filter((at) => !to.has(at)).map((at) => `removed ${at}`),
          ...[...to].filter(([at, bytes]) => from.has(at) && from.get(at) !== bytes).map(([at]) => `changed ${at}`),
        ])
        const entriesOf = (table: ReadonlyMap<string, number>) => [...table].map(([at, bytes]) => entry(at, { bytes }))
        const found = await changes(entriesOf(from), entriesOf(to))
        expect(new Set(found.map(({ kind, path: at }) => `${kind} ${at}`))).toEqual(expected)
        expect(found).toHaveLength(expected.size)
      }),
      { numRuns: 300 },
    )
  })

  it('is counted with the bytes of files alone', async () => {
    const from = [entry('/a', { bytes: 10 }), entry('/b', { bytes: 20 })]
    const to = [entry('/b', { bytes: 30 }), entry('/c', { type: 'directory', bytes: 4096 }), entry('/d', { bytes: 5 })]
    expect(await countChanges(listing(from), listing(to), new AbortController().signal)).toEqual({
      added: 2,
      changed: 1,
      removed: 1,
      bytesWritten: 35,
      bytesRemoved: 10,
    })
  })

  it('is not counted on when nobody wants it any more, and both listings are let go of', async () => {
    const stop = new AbortController()
    let open = 0
    async function* endless() {
      open += 1
      try {
        for (let at = 0; ; at += 1) {
          if (at === 50) stop.abort(new Error('enough'))
          yield entry(`/${String(at).padStart(9, '0')}`)
          await Promise.resolve()
        }
      } finally {
        open -= 1
      }
    }
    await expect(countChanges(endless(), endless(), stop.signal)).rejects.toThrow('enough')
    expect(open).toBe(0)
  })
})
