import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openLog } from '../../../host-daemon/logging/logger.ts'
import { ProgramFailure } from '../../../host-daemon/system/program-failure.ts'
import { fromRoot, installedProgram } from '../../../scripts/lib/paths.ts'

const run = promisify(execFile)

/** What a process says and how it ends that logs to `logFile`, ends by a defect of its own, and is told to exit. */
async function exitOfLogging(logFile: string | null, { lines = 1000 } = {}) {
  const program = `
    import { openLog } from ${JSON.stringify(fromRoot('host-daemon', 'logging', 'logger.ts'))}
    const log = openLog({ logLevel: 'info', logFile: ${JSON.stringify(logFile)}, hostName: 'vm-1' })
    for (let line = 0; line < ${lines}; line++) {
      log.logger.info({ line }, 'a line')
      if (line > 1) await new Promise(setImmediate)
    }
    await log.flush()
    log.logger.fatal('the last line')
    process.exit(3)`
  const argv = ['--input-type=module-typescript', '--eval', program]
  const failure: unknown = await run(installedProgram('node'), argv, { timeout: 20_000 }).catch(
    (error: unknown) => error,
  )
  return failure as { code: number; stderr: string; killed: boolean }
}

const LINES = 4000

/** A process that writes more to a pipe, its standard error, than the pipe takes, and is told to exit with 3. */
async function startOnPipe() {
  const folder = await mkdtemp(join(tmpdir(), 'pilothouse-log-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const path = join(folder, 'pipe')
  await run('mkfifo', [path])
  // Holds both ends: a pipe without a reader is another matter.
  const pipe = await open(path, 'r+')
  onTestFinished(() => pipe.close())
  const program = `
    import { openLog } from ${JSON.stringify(fromRoot('host-daemon', 'logging', 'logger.ts'))}
    const log = openLog({ logLevel: 'info', logFile: null, hostName: 'vm-1' })
    for (let line = 0; line < ${LINES}; line++) log.logger.info({ line }, 'a line of some length, so that there are many bytes')
    await log.flush()
    process.exit(3)`
  const argv = ['--input-type=module-typescript', '--eval', program]
  const writer = await open(path, 'w')
  const child = spawn(installedProgram('node'), argv, { stdio: ['ignore', 'ignore', writer.fd] })
  onTestFinished(() => void child.kill('SIGKILL'))
  await writer.close()
  const exited = once(child, 'exit').then(([code]) => code as number | null)
  return { pipe, exited }
}

describe('the log', () => {
  it('writes one JSON object a line, the last ones before an exit too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pilothouse-log-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const logFile = join(folder, 'made', 'daemon.log')
    expect((await exitOfLogging(logFile)).code).toBe(3)
    const lines = (await readFile(logFile, 'utf8')).trim().split('\n')
    expect(lines).toHaveLength(1001)
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ msg: 'the last line', host: 'vm-1' })
  })

  it('has the line of a process that ends in the same turn', async () => {
    const program = `
      import { openLog } from ${JSON.stringify(fromRoot('host-daemon', 'logging', 'logger.ts'))}
      openLog({ logLevel: 'info', logFile: null, hostName: 'vm-1' }).logger.fatal('the only line')
      process.exit(3)`
    const argv = ['--input-type=module-typescript', '--eval', program]
    const ended: unknown = await run(installedProgram('node'), argv).catch((error: unknown) => error)
    expect(ended).toMatchObject({ code: 3, stderr: expect.stringContaining('"msg":"the only line"') as string })
  })

  it.each([0, 1, 2, 1000])('costs %i lines and nothing else when the disk is full', async (lines) => {
    const { code, stderr } = await exitOfLogging('/dev/full', { lines })
    expect(code).toBe(3)
    expect(stderr.match(/cannot be written, lines are lost/g) ?? []).toHaveLength(lines === 0 ? 0 : 1)
  })

  it('keeps nobody from ending where it is a pipe that nobody empties', async () => {
    const { exited } = await startOnPipe()
    expect(await exited).toBe(3)
  })

  it('has every line where it is a pipe whose reader is slow', async () => {
    const { pipe, exited } = await startOnPipe()
    let text = ''
    while (!text.includes(`"line":${LINES - 1},`)) {
      const { buffer, bytesRead } = await pipe.read({ buffer: Buffer.alloc(16 * 1024) })
      text += buffer.toString('utf8', 0, bytesRead)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { line: number }).line),
    ).toEqual([...Array(LINES).keys()])
    expect(await exited).toBe(3)
  })

  it('goes on in a new file of its name', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pilothouse-log-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const logFile = join(folder, 'daemon.log')
    const log = openLog({ logLevel: 'info', logFile, hostName: 'vm-1' as never })
    log.logger.info('before')
    await expect.poll(() => readFile(logFile, 'utf8').catch(() => '')).toContain('before')
    await rm(logFile)
    log.reopen()
    log.logger.info('after')
    await expect.poll(() => readFile(logFile, 'utf8')).toContain('after')
  })
})

describe('words of a guest in the log', () => {
  it('are cut and written out, in facts, errors and messages', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pilothouse-log-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const logFile = join(folder, 'log')
    const log = openLog({ logLevel: 'info', logFile, hostName: 'vm-1' as never })
    const said = 'no \u001b[2J\u202e '.repeat(100_000)
    const failure = new ProgramFailure('unexpected_exit', { file: 'e2fsck', says: 'exited with 8', stderr: said })
    log.logger.warn({ err: failure, problems: [said], environmentId: 'env-00000001' }, said)
    log.logger.warn({ err: new Error(said, { cause: new Error(said) }) }, 'Refused')
    log.logger.warn({ err: 'thrown as it is' }, 'Refused')
    await log.flush()
    const lines = (await readFile(logFile, 'utf8')).trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    expect(JSON.parse(lines[2] ?? '')).toMatchObject({ err: 'thrown as it is' })
    for (const line of lines) {
      expect(line.length).toBeLessThan(60_000)
      expect(line).not.toMatch(/[\p{Cc}\p{Cf}]|\\u00/u)
    }
    const first = JSON.parse(lines[0] ?? '') as { err: { type: string; message: string }; environmentId: string }
    expect(first).toMatchObject({ environmentId: 'env-00000001', err: { type: 'ProgramFailure' } })
    expect(first.err.message).toContain(String.raw`e2fsck exited with 8: no \u{1b}[2J\u{202e}`)
  })
})
