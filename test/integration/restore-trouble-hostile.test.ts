import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { countTree } from '../../host-daemon/backups/restic/count-tree.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import { startTroubleDaemon, tool, type TroubleDaemon } from '../support/trouble-daemon.ts'

/** What a guest's root may leave in its home; `$O` is a folder of the host that no one may touch. */
const HOSTILE = String.raw`
mkdir -p d/deep many; echo precious-not > d/file; chmod 4777 d/file
ln -s "$O/file" abs; ln -s ../../../../../../..$O up; ln -s "$O" folder; ln -s loop loop; ln -s "$O/new" dangling
ln d/file hard; ln d/file d/deep/hard
mknod null c 1 3; mknod disk b 7 0; mkfifo fifo
cp /bin/true suid; chmod 6755 suid; mkdir sticky; chmod 1777 sticky; mkdir shut; echo x > shut/x; chmod 000 shut/x; chmod 000 shut
N=$(printf 'n%.0s' $(seq 255)); echo long > "$N"
printf line > "$(printf 'new\nline')"; printf esc > "$(printf 'e\033[31mred\a\r')"; printf raw > "$(printf 'raw\377\376')"
printf other > "$(printf 'raw\375')"; printf rtl > "$(printf 'rtl\342\200\256txt')"
echo star > '*'; echo q > '?'; echo set > '[a-z]'; echo bs > 'a\b'; echo dash > '-rf'; echo brace > '{a,b}'; echo dollar > '$(reboot)'
echo sp > ' lead and trail '; mkdir '...'; echo dots > '.../..x'
`
/** Reading the home in user space takes a time that grows with the square of it. */
const MANY = 2_000

describe('a home full of what a hostile guest may leave', () => {
  let host: TroubleDaemon
  let outside: string
  const within = async <T>(image: string, options: string, work: (path: string) => Promise<T>): Promise<T> => {
    const path = await mkdtemp('/tmp/pilothouse-look-')
    await tool('mount', '-o', `loop,${options}`, image, path)
    try {
      return await work(path)
    } finally {
      await tool('umount', path)
      await rm(path, { recursive: true })
    }
  }
  /** A line for everything in the home: type, mode, owner, links, size, link's target or content's hash, name quoted. */
  const factsOf = (image: string) =>
    within(image, 'ro,noload', (path) =>
      tool(
        'sh',
        '-c',
        String.raw`cd "$0" && find . -path ./many -prune -o ! -name lost+found ! -type d ! -type s -printf '%y %m %U:%G %n %s %l %P\0' | sort -z | tr '\0\n' '\n?' ; find . -type d ! -name lost+found -printf '%m %U:%G %P\n' | sort; find . -type f ! -path './many/*' -exec md5sum {} + | sort; find many | wc -l`,
        path,
      ),
    )
  const outsideFacts = async () => {
    const of = async (path: string) => {
      const { mode, uid, mtimeMs, ctimeMs, nlink } = await stat(path)
      return { mode, uid, mtimeMs, ctimeMs, nlink }
    }
    const file = join(outside, 'file')
    return [await of(outside), await of(file), await readFile(file, 'utf8'), await readdir(outside)]
  }
  const stop = () => host.admin().environments.stop(host.command()).then(host.succeeded)
  const entries: { readonly path: string; readonly type: string }[] = []
  let facts: string
  let untouched: unknown

  beforeAll(async () => {
    outside = await mkdtemp('/tmp/pilothouse-outside-')
    await writeFile(join(outside, 'file'), 'precious')
    host = await startTroubleDaemon({ homeMiB: 128 })
    await host.spawn()
    await stop()
    await within(await host.image(), 'rw', async (path) => {
      await tool('bash', '-c', `cd "$0"; O="${outside}"; ${HOSTILE}`, path)
      await tool('bash', '-c', `cd "$0/many" && seq ${MANY} | xargs touch`, path)
      await tool('python3', '-c', `import socket;socket.socket(socket.AF_UNIX).bind("${path}/socket")`)
    })
    facts = await factsOf(await host.image())
    untouched = await outsideFacts()
  }, 180_000)
  afterAll(async () => {
    await host.remove()
    await rm(outside, { recursive: true, force: true })
  }, 120_000)

  it('is backed up whole, and what is in it is shown', async () => {
    const counted = await within(await host.image(), 'ro,noload', (path) => countTree(path, undefined))
    const made = await host.point()
    // A socket is nobody's data without its server: restic leaves it out.
    expect(made).toMatchObject({ entries: counted.entries - 1, bytes: counted.bytes, unreadableCount: 0 })
    const page = { environment: 'web', point: 'latest', folder: '/', limit: 1000 }
    entries.push(...(await host.admin().backups.browse(page)).entries)
    const names = entries.map(({ path }) => path)
    expect(names).toContain('/new\nline')
    expect(names).toContain('/*')
    expect(names.filter((name) => name.includes('raw'))).toHaveLength(2)
    const many = await host.admin().backups.browse({ ...page, folder: '/many' })
    expect([many.entries.length, many.next]).toEqual([1000, '1000'])
    const { plan } = await host.planRestore()
    expect(plan.loss).toMatchObject({ kind: 'counted', changes: { added: 1, changed: 0, removed: 0 } })
    expect(await host.leftovers()).toEqual([])
  }, 120_000)

  it('is restored as it was, with nothing written beside the new home', async () => {
    const done = await host.restore()
    expect(done.status, JSON.stringify(done)).toMatchObject({ kind: 'succeeded' })
    await stop()
    expect(await factsOf(await host.image())).toBe(facts)
    expect(await outsideFacts()).toEqual(untouched)
    expect(await host.leftovers()).toEqual([])
  }, 120_000)

  it('proves a drill, and becomes another environment', async () => {
    expect(await host.drill()).toMatchObject({ status: { kind: 'succeeded' }, result: { isPassed: true } })
    const twin = { ...host.command(), point: 'latest', name: 'twin', owner: 'local' }
    await host.succeeded(await host.admin().clone(twin))
    await host.succeeded(await host.admin().environments.stop(host.command('twin')))
    expect(await factsOf(await host.image('twin'))).toBe(facts)
    expect(await outsideFacts()).toEqual(untouched)
    expect(await host.leftovers()).toEqual([])
  }, 120_000)

  it('gives each file back by its own name and no other', async () => {
    const wanted = ['/*', '/?', '/[a-z]', '/a\\b', '/-rf', '/{a,b}', '/$(reboot)', '/new\nline', '/ lead and trail ']
    const restored = await files([...wanted, '/abs', '/folder', '/d', '/...'], 'ticket-1')
    expect(restored.status, JSON.stringify(restored)).toMatchObject({ kind: 'succeeded' })
    const folder = host.at('restored', 'ticket-1')
    expect((await readdir(folder)).map((name) => `/${name}`).sort()).toEqual(
      [...wanted, '/abs', '/folder', '/d', '/...'].sort(),
    )
    expect((await stat(join(folder, 'd/file'))).mode & 0o7000).toBe(0)
    expect(await outsideFacts()).toEqual(untouched)
    await rm(folder, { recursive: true })
  }, 60_000)

  it('gives all of itself back as what may be on a host, and says safely what it left out', async () => {
    const restored = await files(['/'], 'ticket-2')
    expect(restored).toMatchObject({ status: { kind: 'succeeded' }, result: { skippedCount: 3 } })
    expect(JSON.stringify(restored.result)).not.toMatch(/[\p{Cc}\u202e]/u)
    const found = await tool('find', host.at('restored/ticket-2'), '-perm', '/7000', '-o', '-type', 'b,c,p,s')
    expect(found).toBe('')
    expect(await outsideFacts()).toEqual(untouched)
    await rm(host.at('restored/ticket-2'), { recursive: true })
    expect(await host.leftovers()).toEqual([])
  }, 60_000)

  it('has names that stand for no one file: of those none is restored in place of another', async () => {
    const raw = entries.map(({ path }) => path).filter((path) => path.includes('raw'))
    const refused: unknown = await files(raw.slice(0, 1), 'ticket-3').catch((error: unknown) => error)
    const failed = refused as { readonly code?: string; readonly status?: Operation['status'] }
    expect(failed.code ?? failed.status).not.toMatchObject({ kind: 'succeeded' })
    expect(await readdir(host.at('restored')).catch(() => [])).toEqual([])
    expect(await host.leftovers()).toEqual([])
  }, 60_000)

  it('with a file that says it is larger than the home is refused clearly, and fills no disk', async () => {
    await within(await host.image(), 'rw', async (path) => {
      await tool('bash', '-c', 'cd "$0"; rm -rf many; truncate -s 1G sparse; echo end >> sparse', path)
    })
    const hash = createHash('sha256')
      .update(await readFile(await host.image()))
      .digest('hex')
    const { pointId: point, bytes } = await host.point()
    expect(bytes).toBeGreaterThan(1024 ** 3)
    // Nobody is to count on it, long before anybody needs it.
    const sentence = expect.stringContaining('more than its home takes') as string
    expect((await host.status()).freshness).toMatchObject({ kind: 'unavailable', sentence })
    await expect(host.planRestore()).rejects.toMatchObject({ code: 'host_limit_reached' })
    const refused = { status: { kind: 'failed', failure: { code: 'host_limit_reached' } } }
    const clone = { ...host.command(), point, name: 'large', owner: 'local' }
    expect(await host.ended(await host.admin().clone(clone))).toMatchObject(refused)
    expect(await host.drill()).toMatchObject({ status: { kind: 'failed' } })
    expect(await files(['/sparse'], 'ticket-4', point)).toMatchObject(refused)
    expect(await files(['/d'], 'ticket-5', point)).toMatchObject({ status: { kind: 'succeeded' } })
    await rm(host.at('restored/ticket-5'), { recursive: true })
    expect(
      createHash('sha256')
        .update(await readFile(await host.image()))
        .digest('hex'),
    ).toBe(hash)
    expect(await host.leftovers()).toEqual([])
  }, 300_000)

  const files = async (paths: string[], folder: string, point = 'latest') =>
    host.ended(await host.admin().files({ ...host.command(), point, paths, folder }))
})
