import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startupArchive } from '../../../../host-daemon/drivers/qemu/startup-archive.ts'
import { runProgram } from '../../../../host-daemon/system/child.ts'
import { startupSchema } from '../../../../src-shared/model/startup.ts'

const AWKWARD = `it's "all" $HOME \`id\` \\ \n\ttwo lines, ü \u0081 'quoted''`

describe('startupArchive', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-told-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  async function unpack(told: object): Promise<Buffer> {
    const archive = startupArchive(startupSchema.parse(told))
    await writeFile(join(folder, 'archive'), archive)
    const args = ['cpio', '-i', '-F', join(folder, 'archive')]
    await runProgram({ file: 'busybox', args, workingDirectory: folder, timeoutMs: 10_000 })
    return archive
  }
  const read = (path: string) => readFile(join(folder, path), 'utf8')
  const modeOf = async (path: string) => (await stat(join(folder, path))).mode & 0o777

  it('holds files, command and variables as they were given, in whole sectors', async () => {
    const files = [
      { path: 'etc/deep/app.conf', content: AWKWARD },
      { path: 'run.sh', content: '#!/bin/sh\n', isExecutable: true },
      { path: 'etc/empty', content: '' },
    ]
    const archive = await unpack({ command: AWKWARD, variables: { A: 'b' }, files })
    expect(archive.length % 512).toBe(0)
    expect([await read('files/etc/deep/app.conf'), await read('files/etc/empty')]).toEqual([AWKWARD, ''])
    expect(await read('command')).toBe(AWKWARD)
    expect([await modeOf('files/run.sh'), await modeOf('files/etc/empty')]).toEqual([0o755, 0o644])
    expect([await modeOf('command'), await modeOf('variables'), await modeOf('files/etc')]).toEqual([
      0o600, 0o600, 0o755,
    ])
  })

  it('exports every value as it is through a shell', async () => {
    const variables = { AWKWARD, EMPTY: '', _1: '-n', LONG: 'x'.repeat(32_768), EXPANDED: '$(touch /tmp/not)\n\n' }
    await unpack({ variables })
    const args = ['-i', 'busybox', 'sh', '-c', '. ./variables; exec /usr/bin/env -0']
    const { stdout } = await runProgram({ file: 'env', args, workingDirectory: folder, timeoutMs: 10_000 })
    const seen = stdout.toString('utf8').split('\0')
    for (const [name, value] of Object.entries(variables)) expect(seen).toContain(`${name}=${value}`)
  })

  it('is the same for nothing but a command, and without one', async () => {
    await unpack({ command: 'true' })
    expect([await read('command'), await read('variables')]).toEqual(['true', ''])
    await rm(join(folder, 'command'))
    await unpack({})
    await expect(read('command')).rejects.toThrow('ENOENT')
  })
})
