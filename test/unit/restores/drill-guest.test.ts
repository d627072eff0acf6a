import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { compareSample, COUNT_SCRIPT, HASH_SCRIPT } from '../../../host-daemon/restores/drill-guest.ts'
import { SAMPLE_SIZE, takeSample } from '../../../host-daemon/restores/drill-sample.ts'
import { countTree } from '../../../host-daemon/backups/restic/count-tree.ts'
import { runProgram } from '../../../host-daemon/system/child.ts'

const never = new AbortController().signal
const ODD = ['-rf', '--', 'two\nlines', '$(touch x)', "quo'te", ' space ', 'back\\slash', 'uni-ü', '*', '.hidden']
const LATER = 1_800_000_000_000

describe('what a drill asks in a guest', () => {
  let home: string
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'pilothouse-drill-'))
    await mkdir(join(home, 'folder'))
    for (const name of ODD) await writeFile(join(home, 'folder', name), name)
    await symlink('/etc', join(home, 'link'))
  })
  afterEach(() => rm(home, { recursive: true, force: true }))

  async function ask(script: string, paths: readonly string[] = []): Promise<string[]> {
    const args = ['-c', script, 'sh', home, ...paths]
    const { stdout } = await runProgram({ file: '/bin/sh', args, timeoutMs: 10_000 })
    return stdout.toString('utf8').split('\n').slice(0, -1)
  }

  it('counts as the host does, whatever the names are', async () => {
    expect(Number(await ask(COUNT_SCRIPT))).toBe((await countTree(home, never)).entries + 1)
  })

  it('hashes exactly the files that were sampled, and does nothing that their names say', async () => {
    const sample = await takeSample(home, 'seed', never)
    expect(sample.map(({ path }) => path).sort()).toEqual(ODD.map((name) => `folder/${name}`).sort())
    const lines = await ask(HASH_SCRIPT, [...sample.map(({ path }) => path), 'link', 'gone', 'folder'])
    expect(lines.slice(-3)).toEqual(['missing', 'missing', 'missing'])
    expect(compareSample({ entries: 0, sample, bootedAt: LATER }, lines)).toMatchObject({ isPassed: true })
    expect((await countTree(home, never)).entries).toBe(ODD.length + 2)
  })

  it('forgives what the start itself has changed, and nothing else', async () => {
    const sample = await takeSample(home, 'seed', never)
    const [first = '', second = ''] = sample.map(({ path }) => path)
    await writeFile(join(home, first), 'changed by the start')
    await utimes(join(home, first), LATER / 1000, LATER / 1000)
    const paths = sample.map(({ path }) => path)
    const evidence = { entries: 0, sample, bootedAt: LATER }
    const passed = compareSample(evidence, await ask(HASH_SCRIPT, paths))
    expect(passed).toMatchObject({ isPassed: true, detail: expect.stringContaining('The start itself changed 1.') })
    await writeFile(join(home, second), 'changed in the repository')
    const failed = compareSample(evidence, await ask(HASH_SCRIPT, paths))
    expect(failed).toMatchObject({ isPassed: false, detail: expect.stringContaining('1 differ') })
    await rm(join(home, first))
    await writeFile(join(home, second), second.slice('folder/'.length))
    expect(compareSample(evidence, await ask(HASH_SCRIPT, paths))).toMatchObject({ isPassed: false })
  })

  it('samples the same files of the same tree, others by another seed, and never more than it may', async () => {
    for (let index = 0; index < 200; index += 1) await writeFile(join(home, `f${index}`), `${index}`)
    const once = await takeSample(home, 'a', never)
    expect(once).toHaveLength(SAMPLE_SIZE)
    expect(await takeSample(home, 'a', never)).toEqual(once)
    const other = await takeSample(home, 'b', never)
    expect(other.map(({ path }) => path)).not.toEqual(once.map(({ path }) => path))
    const is = createHash('sha256').update('7').digest('hex')
    const all = [...once, ...other]
    for (const { path, sha256 } of all) if (path === 'f7') expect(sha256).toBe(is)
  })

  it('leaves out of the sample what is no plain file, or has no name that could be told', async () => {
    await rm(join(home, 'folder'), { recursive: true })
    await writeFile(Buffer.concat([Buffer.from(`${home}/`), Buffer.from([0xff, 0xfe])]), 'x')
    expect(await takeSample(home, 'a', never)).toEqual([])
  })
})
