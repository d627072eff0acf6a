import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildAll } from '../../scripts/lib/build.ts'
import { fromRoot, ROOT } from '../../scripts/lib/paths.ts'
import { runAny } from '../../scripts/lib/run.ts'
import { DAEMON_BUNDLE } from '../../scripts/private-host/daemon.ts'
import { startTestHost, type TestHost } from '../support/private-host.ts'

/** Blocks that are whole runs of their own, and what runs exactly that command. */
const RUN_ELSEWHERE: Readonly<Record<string, string>> = {
  'npm run quickstart': 'test/e2e/quickstart.e2e.ts',
  'npm run quickstart -- --check': 'test/e2e/quickstart.e2e.ts',
  'npm run quickstart -- --clean': 'test/e2e/quickstart.e2e.ts',
  'npm run demo:recovery': 'test/integration/demo-recovery.test.ts',
  'npm test': '.ci/run',
}

async function shellBlocks(): Promise<string[]> {
  const readme = await readFile(fromRoot('README.md'), 'utf8')
  return [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block.trim())
}

/** How a test writes the command that a block has, as an argv or as a line. */
function isRunBy(command: string, text: string): boolean {
  const [program, run, name, dashes, flag] = command.split(' ')
  if (text.split('\n').includes(command)) return true
  const words = [program, run, '--silent', name, dashes, flag].filter((word) => word !== undefined)
  return (
    text.includes(words.map((word) => `'${word}'`).join(', ')) || text.includes(`['${words.slice(1).join("', '")}']`)
  )
}

describe('the commands of the README', () => {
  let home: string
  let host: TestHost
  beforeAll(async () => {
    await buildAll()
    host = await startTestHost({ image: 'minimal', daemonEntry: DAEMON_BUNDLE })
    home = await mkdtemp(join(tmpdir(), 'readme-home-'))
    const { address, port, user, identityFile } = host.targets.admin
    await mkdir(join(home, '.ssh'), { mode: 0o700 })
    const alias = `Host vm-7\n  HostName ${address}\n  Port ${port}\n  User ${user}\n  IdentityFile ${identityFile}\n`
    await writeFile(join(home, '.ssh', 'config'), alias)
    const known = await readFile(join(host.host.layout.client, 'known_hosts'), 'utf8')
    await writeFile(join(home, '.ssh', 'known_hosts'), known)
  })
  afterAll(async () => {
    await host.dispose()
    await rm(home, { recursive: true })
  })

  it('are all run by a test', async () => {
    const blocks = await shellBlocks()
    expect(blocks.length).toBeGreaterThan(4)
    for (const block of blocks.filter((each) => !each.includes('npx pilothouse'))) {
      const runner = RUN_ELSEWHERE[block]
      expect(runner, `nothing runs the block "${block}"`).toBeDefined()
      const text = await readFile(fromRoot(runner ?? ''), 'utf8')
      expect(isRunBy(block, text), `${runner} does not run "${block}"`).toBe(true)
    }
  })

  it('do on the command line what they say', async () => {
    const blocks = (await shellBlocks()).filter((each) => each.includes('npx pilothouse'))
    expect(blocks.length).toBeGreaterThan(1)
    const script = join(home, 'blocks.sh')
    await writeFile(script, blocks.join('\n'))
    const env = { ...process.env, HOME: home, SSH_AUTH_SOCK: undefined, PILOTHOUSE_DATA_DIR: join(home, 'data') }
    const result = await runAny(['bash', '-euo', 'pipefail', script], { cwd: ROOT, env, deadlineMs: 150_000 })
    expect(result.exitCode, result.output).toBe(0)
    expect(result.stdout).toContain('web-1')
    expect(result.stdout).toContain('--confirm-name web-1')
  })
})
