import { execFile } from 'node:child_process'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { STARTUP_LIMITS } from '../../../src-shared/model/startup.ts'
import { fakeDaemonWorld, type Sent } from '../../support/answering-session.ts'
import { cli } from '../../support/cli-run.ts'
import { environmentSample } from '../../support/contract-samples.ts'

const SPAWN = ['env', 'spawn', 'demo', '--image', 'minimal@1', '--owner', 'local']
const SECRET = 'hunter2'
const ENTRY = join(import.meta.dirname, '../../../src-main/shell/cli/main.ts')
const EXIT_OF_AN_ABSENT_DAEMON = 5

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-spawn-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function local(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

async function refusal(words: readonly string[]): Promise<string> {
  const sent: Sent[] = []
  const { status, stdout, stderr } = await cli([...SPAWN, ...words], fakeDaemonWorld(sent))
  expect([status, stdout, sent]).toEqual([2, '', []])
  expect(stderr).not.toContain(SECRET)
  return stderr
}

describe('what a spawn carries', () => {
  it('is sent as the contract has it, the flag winning over the file', async () => {
    const sent: Sent[] = []
    const variables = await local('v.env', '# c\r\nA=1\r\n\r\nB= two \nC=\n')
    const words = ['--variables-file', variables, '--env', 'A=x=y', '--file', `etc/a=${await local('a', '\ufeffé')}`]
    expect((await cli([...SPAWN, ...words, '--label', 'a=b'], fakeDaemonWorld(sent))).status).toBe(0)
    expect(sent[0]?.[1]).toMatchObject({
      labels: { a: 'b' },
      startup: {
        variables: { A: 'x=y', B: ' two ', C: '' },
        files: [{ path: 'etc/a', content: '\ufeffé', isExecutable: false }],
      },
    })
  })

  it("leaves the guest's variables to the guest: Node.js runs with none of them", async () => {
    const mark = join(folder, 'ran')
    const program = await local('program.cjs', `require('node:fs').writeFileSync(${JSON.stringify(mark)}, '')`)
    const variables = await local('node.env', `NODE_OPTIONS=--require=${program}\n`)
    const words = ['--socket', join(folder, 'absent.sock'), ...SPAWN, '--variables-file', variables]
    const failed = promisify(execFile)(process.execPath, [ENTRY, ...words])
    await expect(failed).rejects.toMatchObject({ code: EXIT_OF_AN_ABSENT_DAEMON })
    await expect(access(mark)).rejects.toThrow('ENOENT')
  })

  it('is absent where nothing was said', async () => {
    const sent: Sent[] = []
    await cli(SPAWN, fakeDaemonWorld(sent))
    expect(Object.keys(sent[0]?.[1] as object).sort()).toEqual(['commandId', 'image', 'name', 'owner'])
  })

  it.each([
    [['--env', SECRET], '--env: must be NAME=VALUE'],
    [['--env', `1A=${SECRET}`], '--env: what stands before = must be 1–128 letters'],
    [['--env', `A=${SECRET}`, '--env', `A=${SECRET}2`], '--env: A was given twice'],
    [['--env', `A=${SECRET}${'x'.repeat(STARTUP_LIMITS.valueBytes)}`], '--env A: must be at most 32768 bytes'],
    [[`--evn=A=${SECRET}`], 'unknown option'],
    [['--label', 'Team=blue'], '--label: what stands before ='],
    [['--label', `team=${'x'.repeat(64)}`], '--label team: must be at most 63 characters'],
    [['--startup-command', ''], '--startup-command: must not be empty'],
    [['--file', '../a=/etc/hostname'], '--file: what stands before = must be a relative path'],
    [['--file', 'a=/nonexistent/file'], '--file a: the file /nonexistent/file cannot be read'],
    [['--file', 'a=/'], '--file a: the file / cannot be read'],
    [['--file', 'a=/dev/zero'], '--file a: the file /dev/zero is longer than 262144 bytes'],
    [['--variables-file', '/nonexistent/env'], '--variables-file: the file /nonexistent/env cannot be read'],
  ])('is refused where it does not fit, by its place and without its value: %j', async (words, says) => {
    expect(await refusal(words)).toContain(says)
  })

  it('names the file that does not fit, and the line of a variable', async () => {
    const big = await local('big', 'x'.repeat(STARTUP_LIMITS.fileBytes + 1))
    expect(await refusal(['--file', `a=${big}`])).toContain(`the file ${big} is longer than 262144 bytes`)
    const binary = await local('binary', new Uint8Array([0xff, 0xfe]))
    expect(await refusal(['--file', `a=${binary}`])).toContain(`the file ${binary} is not UTF-8 text`)
    const nul = await local('nul', 'a\0b')
    expect(await refusal(['--file', `a=${nul}`])).toContain(`the file ${nul} contains NUL`)
    const lines = await local('lines', `A=1\n${SECRET}\n`)
    expect(await refusal(['--variables-file', lines])).toContain(`${lines} line 2: must be NAME=VALUE`)
  })

  it('is bounded in number and in all', async () => {
    const small = await local('small', 'x')
    const many = Array.from({ length: STARTUP_LIMITS.files + 1 }, (_, index) => ['--file', `f${index}=${small}`]).flat()
    expect(await refusal(many)).toContain('--file: must be at most 32 files')
    const large = await local('large', 'x'.repeat(STARTUP_LIMITS.fileBytes))
    const three = ['--file', `a=${large}`, '--file', `b=${large}`, '--file', `c=${large}`]
    expect(await refusal(three)).toContain('--startup-command, --env and --file: must be at most 524288 bytes in all')
    expect(await refusal(['--file', `a=${small}`, '--file', `a/b=${small}`])).toContain(
      '--file: must have distinct paths',
    )
  })
})

describe('env label', () => {
  const labelled = { 'environments.get': () => ({ ...environmentSample, labels: { b: '2', a: '1' } }) }

  it('alone shows them and changes nothing', async () => {
    const sent: Sent[] = []
    const world = fakeDaemonWorld(sent, labelled)
    expect((await cli(['env', 'label', 'demo'], world)).stdout).toBe('LABEL  VALUE\na      1\nb      2\n')
    expect((await cli(['env', 'label', 'demo', '--json'], world)).stdout).toBe('{"b":"2","a":"1"}\n')
    expect((await cli(['env', 'label', 'demo'], fakeDaemonWorld([]))).stdout).toBe('It has no labels.\n')
    expect(sent.map(([name]) => name)).toEqual(['environments.get', 'environments.get'])
  })

  it.each([
    [['c=3'], { a: '1', b: '2', c: '3' }],
    [['a=9', 'b-'], { a: '9' }],
    [['a=', 'absent-'], { a: '', b: '2' }],
    [['a=x-'], { a: 'x-', b: '2' }],
  ])('%j leaves the others', async (words, labels) => {
    const sent: Sent[] = []
    expect((await cli(['env', 'label', 'demo', ...words], fakeDaemonWorld(sent, labelled))).status).toBe(0)
    expect(sent.at(-1)).toEqual(['environments.setLabels', { environment: 'demo', labels }])
  })

  it.each([
    [['demo', 'a'], 'must be KEY=VALUE or KEY-'],
    [['demo', 'A-'], 'a key must be'],
    [['demo', 'a=1', 'a=2'], 'a was given twice'],
    [['demo', 'a=1', 'a-'], 'a is both set and removed'],
    [['../x', 'a=1'], 'ENVIRONMENT: must be an environment id'],
  ])('%j is a usage error before anything is asked', async (words, says) => {
    const sent: Sent[] = []
    const { status, stderr } = await cli(['env', 'label', ...words], fakeDaemonWorld(sent, labelled))
    expect([status, sent]).toEqual([2, []])
    expect(stderr).toContain(says)
  })
})
