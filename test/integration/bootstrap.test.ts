import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { fromRoot, ROOT } from '../../scripts/lib/paths.ts'
import { runAny, type RunResult } from '../../scripts/lib/run.ts'

const ENTER = `
const { spawnSync } = require('node:child_process')
const [list, ...argv] = process.argv.slice(1)
for (const file of list.split(',')) {
  const { status, stderr } = spawnSync('mount', ['--bind', '/dev/null', file], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}
process.exit(spawnSync(argv[0], argv.slice(1), { stdio: 'inherit' }).status)
`

/** Runs the entry where these files cannot be used, as if their packages were not installed. */
function bootstrapWithout(files: readonly string[], ...args: string[]): Promise<RunResult> {
  const enter = ['unshare', '--mount', '--propagation', 'private', process.execPath, '-e', ENTER, files.join(',')]
  return runAny([...enter, process.execPath, 'scripts/bootstrap.mjs', ...args], { cwd: ROOT, deadlineMs: 60_000 })
}

describe('the entry of every command', () => {
  it('says which package is missing, what for, and how to install it, where it cannot do so itself', async () => {
    const { exitCode, output } = await bootstrapWithout(
      ['/usr/bin/qemu-system-x86_64', '/usr/bin/apt-get'],
      'quickstart',
    )
    expect(exitCode).toBe(1)
    expect(output).toContain('there is no apt-get')
    expect(output).toContain('qemu-system-x86: runs the guests')
    expect(output).toContain('sudo apt-get install --no-install-recommends qemu-system-x86')
    expect(output).not.toContain('    at ')
  })

  it('refuses what is no command, naming it', async () => {
    const { exitCode, output } = await runAny([process.execPath, 'scripts/bootstrap.mjs', '../test'], { cwd: ROOT })
    expect(exitCode).toBe(1)
    expect(output).toContain('There is no command "../test"')
  })

  it('passes the command’s exit status on, and leaves stdout to it', async () => {
    const { exitCode, stdout } = await runAny([process.execPath, 'scripts/bootstrap.mjs', 'quickstart', '--nonsense'], {
      cwd: ROOT,
      deadlineMs: 60_000,
    })
    expect(exitCode).toBe(1)
    expect(stdout).toBe('')
  })

  it('is what every npm script that needs something starts with', async () => {
    const { scripts } = JSON.parse(await readFile(fromRoot('package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    const others = Object.entries(scripts).filter(([name, line]) => {
      // A command of several words has colons in its script's name.
      return line !== `node scripts/bootstrap.mjs ${name.replaceAll(':', ' ')}` && name !== 'format'
    })
    expect(others).toEqual([])
  })
})
