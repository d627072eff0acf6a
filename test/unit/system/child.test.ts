import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { runProgram } from '../../../host-daemon/system/child.ts'
import { startDetached } from '../../../host-daemon/system/detached.ts'
import { ProgramFailure } from '../../../host-daemon/system/program-failure.ts'
import {
  identifyProcess,
  isAlive,
  processAgeMs,
  processArguments,
  processTransfer,
  signalProcess,
  waitUntilGone,
  type ProcessIdentity,
} from '../../../host-daemon/system/processes.ts'

const sh = (script: string) => ({ file: 'sh', args: ['-c', script], timeoutMs: 5000 })
const failure = async (promise: Promise<unknown>): Promise<ProgramFailure> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ProgramFailure)
  return error as ProgramFailure
}

describe('runProgram', () => {
  it('passes arguments and stdin byte for byte and returns the output', async () => {
    const result = await runProgram({ file: 'cat', args: ['--', '-'], stdin: '$(id) "quoted"\n', timeoutMs: 5000 })
    expect(result.stdout.toString()).toBe('$(id) "quoted"\n')
    const echoed = await runProgram({ file: 'printf', args: ['%s|', 'a b', '$HOME', '*'], timeoutMs: 5000 })
    expect(echoed.stdout.toString()).toBe('a b|$HOME|*|')
  })

  it('treats only the expected exits as answers', async () => {
    expect((await runProgram({ ...sh('exit 3'), expectedExits: [0, 3] })).exitCode).toBe(3)
    const error = await failure(runProgram(sh('echo out; echo first >&2; echo why >&2; exit 3')))
    expect(error).toMatchObject({ kind: 'unexpected_exit', code: 'engine_failed', exitCode: 3, stderr: 'first\nwhy\n' })
    expect(error.message).toBe('sh exited with 3: why')
  })

  it('says when a program does not exist', async () => {
    expect(await failure(runProgram({ file: 'no-such-program', args: [], timeoutMs: 5000 }))).toMatchObject({
      kind: 'not_started',
    })
  })

  it('kills at the deadline and rejects only once the program is gone', async () => {
    let started: ProcessIdentity | undefined
    const error = await failure(
      runProgram({ ...sh('exec sleep 30'), timeoutMs: 200, onStarted: (process) => (started = process) }),
    )
    expect(error).toMatchObject({ kind: 'timed_out', code: 'deadline_exceeded' })
    expect(started).toBeDefined()
    expect(await isAlive(started!)).toBe(false)
  })

  it('is ended, and rejects with that error, when what is told of its start cannot be kept', async () => {
    const reason = new Error('The disk is full.')
    let started: ProcessIdentity | undefined
    const run = runProgram({
      ...sh('exec sleep 30'),
      onStarted: (process) => {
        started = process
        throw reason
      },
    })
    await expect(run).rejects.toBe(reason)
    expect(await isAlive(started!)).toBe(false)
  })

  it('is not held up by a grandchild that keeps the pipes', async () => {
    const startedAt = performance.now()
    await failure(runProgram({ ...sh('sleep 3 & wait'), timeoutMs: 100 }))
    expect(performance.now() - startedAt).toBeLessThan(2000)
  })

  it('rejects with the reason of the abort, before and during', async () => {
    const reason = new Error('not wanted any more')
    const controller = new AbortController()
    const run = runProgram({
      ...sh('exec sleep 30'),
      signal: controller.signal,
      onStarted: () => controller.abort(reason),
    })
    await expect(run).rejects.toBe(reason)
    await expect(runProgram({ ...sh('true'), signal: controller.signal })).rejects.toBe(reason)
  })

  it('bounds output: too much stdout fails, stderr keeps its end', async () => {
    const endless = { ...sh('exec yes'), stdoutLimit: 1000 }
    expect(await failure(runProgram(endless))).toMatchObject({ kind: 'output_too_large' })
    const result = await runProgram({ ...sh('seq 1 100000 >&2'), stderrLimit: 7 })
    expect(result.stderr).toBe('100000\n')
  })

  it('asks a program to stop, and kills it only when it does not', async () => {
    const stop = { signal: 'SIGINT', graceMs: 5000 } as const
    const polite = sh("trap 'echo cleaned >&2; exit 130' INT; while :; do sleep 0.02; done")
    expect(await failure(runProgram({ ...polite, timeoutMs: 300, stop }))).toMatchObject({
      kind: 'timed_out',
      stderr: 'cleaned\n',
    })
    let started: ProcessIdentity | undefined
    const deaf = { ...sh("trap '' INT; while :; do sleep 0.02; done"), stop: { ...stop, graceMs: 100 } }
    const error = await failure(runProgram({ ...deaf, timeoutMs: 200, onStarted: (process) => (started = process) }))
    expect(error).toMatchObject({ kind: 'timed_out' })
    expect(await isAlive(started!)).toBe(false)
  })

  it('hands stdout to a reader as it comes, at the pace of the reader', async () => {
    let bytes = 0
    const readStdout = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of chunks) bytes += chunk.length
    }
    const result = await runProgram({ ...sh('head -c 3000000 /dev/zero'), stdoutLimit: 10, readStdout })
    expect(bytes).toBe(3_000_000)
    expect(result.stdout).toHaveLength(0)
  })

  it('ends the program when its reader fails, and lets a reader leave early', async () => {
    const reason = new Error('unreadable')
    const stop = { signal: 'SIGINT', graceMs: 5000 } as const
    await expect(runProgram({ ...sh('exec yes'), readStdout: () => Promise.reject(reason) })).rejects.toBe(reason)
    await expect(runProgram({ ...sh('exec yes'), stop, readStdout: () => Promise.reject(reason) })).rejects.toBe(reason)
    const readFirst = async (chunks: AsyncIterable<Buffer>): Promise<void> => {
      for await (const chunk of chunks) if (chunk.length > 0) break
    }
    expect((await runProgram({ ...sh('head -c 3000000 /dev/zero'), readStdout: readFirst })).exitCode).toBe(0)
  })

  it("gives the child none of the daemon's secrets", async () => {
    vi.stubEnv('PILOTHOUSE_TEST_SECRET', 'hidden')
    const { stdout } = await runProgram({ file: 'env', args: [], timeoutMs: 5000, environment: { GIVEN: 'yes' } })
    vi.unstubAllEnvs()
    expect(stdout.toString()).not.toContain('hidden')
    expect(stdout.toString()).toContain('GIVEN=yes')
  })

  it('leaves no program behind when the daemon is killed', async () => {
    const script = `import { runProgram } from ${JSON.stringify(join(import.meta.dirname, '../../../host-daemon/system/child.ts'))}
      await runProgram({ file: 'sleep', args: ['30'], timeoutMs: 60000, onStarted: (p) => console.log(JSON.stringify(p)) })`
    const daemon = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [line] = (await new Promise<Buffer>((resolve) => daemon.stdout.once('data', resolve))).toString().split('\n')
    const child = JSON.parse(line!) as ProcessIdentity
    expect(await isAlive(child)).toBe(true)
    daemon.kill('SIGKILL')
    expect(await waitUntilGone(child, { timeoutMs: 5000 })).toBe(true)
  })
})

describe('what the kernel tells of a process', () => {
  it('is how old it is and how much it moved', async () => {
    const age = (await processAgeMs(process.pid))!
    expect(Math.abs(age - process.uptime() * 1000)).toBeLessThan(2000)
    const before = (await processTransfer(process.pid))!
    await readFile('/proc/self/maps')
    const after = (await processTransfer(process.pid))!
    expect(after.readBytes).toBeGreaterThan(before.readBytes)
    expect(await processAgeMs(2 ** 22 + 1)).toBeUndefined()
    expect(await processTransfer(2 ** 22 + 1)).toBeUndefined()
  })
})

describe('startDetached and process identity', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-child-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('starts a process in a session of its own, its output in a file', async () => {
    const outputPath = join(folder, 'out')
    const started = await startDetached({ file: 'sh', args: ['-c', 'cat /proc/$$/stat; exec sleep 30'], outputPath })
    const identity = (await identifyProcess(started.pid))!
    await expect.poll(() => readFile(outputPath, 'utf8')).toContain('\n')
    const fields = (await readFile(outputPath, 'utf8')).split(' ')
    expect(fields[5]).toBe(String(started.pid))
    expect(await signalProcess(identity, 'SIGKILL')).toBe('sent')
    expect(await waitUntilGone(identity, { timeoutMs: 5000 })).toBe(true)
    expect(await started.exited).toEqual({ exitCode: null, signal: 'SIGKILL' })
    expect(await signalProcess(identity, 'SIGKILL')).toBe('gone')
  })

  it('never takes another process of the same pid for the one meant', async () => {
    const me = (await identifyProcess(process.pid))!
    const other = { pid: me.pid, startTicks: '1' }
    expect(await isAlive(me)).toBe(true)
    expect(await isAlive(other)).toBe(false)
    expect(await signalProcess(other, 'SIGKILL')).toBe('gone')
  })

  it('says which arguments a process has, and gives up waiting at the deadline', async () => {
    const started = await startDetached({ file: 'sleep', args: ['31'] })
    const identity = (await identifyProcess(started.pid))!
    await expect.poll(() => processArguments(started.pid)).toEqual(['sleep', '31'])
    expect(await waitUntilGone(identity, { timeoutMs: 20 })).toBe(false)
    await signalProcess(identity, 'SIGKILL')
    await started.exited
    expect(await processArguments(started.pid)).toBeUndefined()
  })

  it('rejects when the program does not exist', async () => {
    expect(await failure(startDetached({ file: 'no-such-program', args: [] }))).toMatchObject({ kind: 'not_started' })
  })
})
