import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { findGuest } from '../../../../host-daemon/drivers/qemu/find-guest.ts'
import { handlesOf, planBoot } from '../../../../host-daemon/drivers/qemu/handles.ts'
import { inspectGuest, withMonitor } from '../../../../host-daemon/drivers/qemu/inspect-guest.ts'
import { stopGuest } from '../../../../host-daemon/drivers/qemu/stop-guest.ts'
import { Turns } from '../../../../host-daemon/drivers/qemu/turns.ts'
import { waitUntilReady } from '../../../../host-daemon/drivers/qemu/wait-until-ready.ts'
import type { BootRecord } from '../../../../host-daemon/drivers/vm-driver.ts'
import { SystemClock } from '../../../../host-daemon/system/clock.ts'
import { SystemRandom } from '../../../../host-daemon/system/random.ts'
import { bootIdSchema, environmentIdSchema, homeIdSchema, imageRefSchema } from '../../../../src-shared/model/ids.ts'
import { startFakeEngine } from '../../../support/fake-engine.ts'
import { startLineServer } from '../../../support/line-server.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

const random = new SystemRandom()

describe('evidence of a guest', () => {
  let folder = ''
  let record: BootRecord
  const children: ChildProcess[] = []
  const tools = { clock: new SystemClock(), random, turns: new Turns() }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-evidence-'))
    const spec = {
      environmentId: environmentIdSchema.parse(`env-${random.hex(4)}`),
      bootId: bootIdSchema.parse(`boot-${random.hex(8)}`),
      homeId: homeIdSchema.parse(`home-${random.hex(8)}`),
      image: imageRefSchema.parse('minimal@1'),
      size: { cpus: 1, memoryMiB: 128, homeMiB: 64 },
      guestUid: 200_000,
      startup: null,
    }
    record = planBoot(spec, { runDirectory: folder, homesDirectory: folder, journalDirectory: folder })
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  })

  const engine = async (status: string): Promise<ChildProcess> => {
    const child = await startFakeEngine(record, status)
    children.push(child)
    return child
  }

  it('finds a process that has not written its pid file yet, and stops it by the record', async () => {
    const child = await engine('running')
    expect(await findGuest(record)).toMatchObject({ pid: child.pid })
    expect(await stopGuest(record, { graceMs: 0, forceMs: 5_000 }, tools)).toBe('forced')
    await expect.poll(() => child.signalCode).toBe('SIGKILL')
    expect(await stat(handlesOf(record).bootDirectory).catch(() => 'absent')).toBe('absent')
  })

  it('gives the guest its whole grace when the clock of the host is set forward', async () => {
    await engine('running')
    let now = 0
    const { clock: steady } = tools
    const jumping = {
      now: () => (now += 3_600_000),
      monotonicMs: () => steady.monotonicMs(),
      sleep: (ms: number, signal?: AbortSignal) => steady.sleep(ms, signal),
    }
    const startedAt = performance.now()
    const outcome = await stopGuest(record, { graceMs: 1_200, forceMs: 5_000 }, { ...tools, clock: jumping })
    expect(outcome).toBe('forced')
    expect(performance.now() - startedAt).toBeGreaterThan(1_150)
  })

  it('waits for no pipe that stands in the place of the pid file', async () => {
    const child = await engine('running')
    const { pidFile } = handlesOf(record)
    await rm(pidFile, { force: true })
    const pipe = spawn('mkfifo', [pidFile])
    await expect.poll(() => pipe.exitCode).toBe(0)
    expect(await findGuest(record)).toMatchObject({ pid: child.pid })
  })

  it('keeps what the engine says within bounds while it goes on saying it', async () => {
    const { outputFile } = handlesOf(record)
    await engine('running')
    await writeFile(outputFile, 'a word')
    await inspectGuest(record, tools)
    expect((await stat(outputFile)).size).toBe(6)
    await writeFile(outputFile, Buffer.alloc(1024 * 1024))
    await inspectGuest(record, tools)
    expect((await stat(outputFile)).size).toBe(0)
    await stopGuest(record, { graceMs: 0, forceMs: 5_000 }, tools)
    expect(await stat(outputFile).catch(() => 'absent')).toBe('absent')
  })

  it('believes neither a pid file nor a process that only mentions the boot', async () => {
    const earlier = await engine('running')
    earlier.kill('SIGKILL')
    const { pidFile, processName } = handlesOf(record)
    const bystander = spawn('sleep', ['60'], { argv0: 'sleep' })
    const searcher = spawn(process.execPath, ['-e', 'setInterval(() => {}, 60000)', '--', '-name', processName])
    children.push(bystander, searcher)
    await writeFile(pidFile, `${bystander.pid}\n`)
    await expect.poll(() => findGuest(record)).toBeUndefined()
    expect(await inspectGuest(record, tools)).toMatchObject({ kind: 'gone' })
    expect(await stopGuest(record, { graceMs: 0, forceMs: 1_000 }, tools)).toBe('was_gone')
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull()
  })

  it('takes a guest whose engine says internal-error for crashed, although its process lives', async () => {
    await engine('internal-error')
    expect(await inspectGuest(record, tools)).toEqual({
      kind: 'gone',
      detail: 'The guest has crashed; QEMU says internal-error.',
    })
    const signal = new AbortController().signal
    await expect(waitUntilReady(record, tools, { deadlineMs: 20_000, signal })).rejects.toMatchObject({
      reason: 'guest_exited',
    })
  })

  it('takes a guest for alive whose monitor is mute, and whose disk is full', async () => {
    const mute = await engine('mute')
    expect(await inspectGuest(record, tools)).toMatchObject({
      kind: 'alive',
      process: { pid: mute.pid },
      agent: 'silent',
    })
    mute.kill('SIGKILL')
    await expect.poll(() => findGuest(record)).toBeUndefined()
    await engine('io-error')
    expect(await inspectGuest(record, tools)).toMatchObject({ kind: 'alive', agent: 'silent' })
  })

  it.each(['io-error', 'paused'])('says why a guest does not answer whose engine says %s', async (status) => {
    await engine(status)
    const detail = `The guest does not run; QEMU says ${status}.`
    expect(await inspectGuest(record, tools)).toMatchObject({ kind: 'alive', agent: 'silent', detail })
  })

  it('asks, and waits for readiness, for as long as its own clock says and no other', async () => {
    await engine('mute')
    const silent = await startLineServer({})
    onTestFinished(() => silent.close())
    const asks = { ...record, handles: { ...record.handles, qmpSocket: silent.path } }
    const clock = new ManualClock()
    const owned = { ...tools, clock }
    const signal = new AbortController().signal
    const outcomes: unknown[] = []
    const note = (error: unknown): void => void outcomes.push(error)
    const asked = withMonitor(asks, { ...owned, timeoutMs: 900_000 }, (monitor) => monitor.status()).catch(note)
    const waited = waitUntilReady(record, { ...owned, turns: new Turns() }, { deadlineMs: 900_000, signal }).catch(note)
    await expect.poll(() => clock.sleeperCount).toBeGreaterThanOrEqual(3)
    clock.set(3_600_000)
    clock.advance(899_999)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(outcomes).toEqual([])
    clock.advance(1)
    await Promise.all([asked, waited])
    expect(outcomes).toContainEqual(expect.objectContaining({ message: 'It did not end within 900000 ms.' }))
    expect(outcomes).toContainEqual(expect.objectContaining({ reason: 'agent_timeout' }))
    await expect.poll(() => (clock.advance(10_000), clock.sleeperCount)).toBe(0)
  })

  it('answers unknown where the record is not one of this driver', async () => {
    expect(await inspectGuest({ ...record, handles: {} }, tools)).toMatchObject({ kind: 'unknown' })
  })
})
