import { randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { appendFile, mkdir, open, readFile, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConsoleService } from '../../../host-daemon/consoles/console-service.ts'
import { fairShare, Retention, type RetentionOptions } from '../../../host-daemon/consoles/retention.ts'
import { WebSocketConsoles } from '../../../host-daemon/server/console-endpoint.ts'
import { SystemClock } from '../../../host-daemon/system/clock.ts'
import { openConsoleSpace, type ConsoleSpace } from '../../../host-daemon/system/console-space.ts'
import { loopDeviceOf, mountedAt } from '../../../host-daemon/system/mounts.ts'
import { ConsoleClient } from '../../support/console-client.ts'
import { captureLog, startEdge, temporaryFolder, until } from '../../support/edge.ts'
import { FakeBoots } from '../../support/fake-boots.ts'

const MIB = 1024 * 1024
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(() => folder.remove())

function retentionOf(boots: FakeBoots, over: Partial<RetentionOptions> = {}): Retention {
  return new Retention({
    directory: boots,
    journalDirectory: folder.path,
    isBounded: false,
    bytesPerBoot: MIB,
    spaceBytes: 1024 * MIB,
    clock: new SystemClock(),
    logger: captureLog().logger,
    ...over,
  })
}

const allocated = async (path: string): Promise<number> => (await stat(path)).blocks * 512

describe('retention', () => {
  it('keeps the newest bytes of a boot and records what it gave up', async () => {
    const boots = new FakeBoots(folder.path)
    const content = randomBytes(3 * MIB)
    const boot = await boots.start(1, content)
    await retentionOf(boots).look()
    const [gap, ...others] = boots.boot(boot.bootId)!.gaps
    expect(others).toEqual([])
    expect(gap).toMatchObject({ offset: 0, reason: 'retention' })
    expect(await allocated(boot.journalPath)).toBeLessThanOrEqual(MIB)
    const file = await readFile(boot.journalPath)
    expect(file.length).toBe(content.length)
    expect(file.subarray(gap!.length!)).toEqual(content.subarray(gap!.length!))
    expect(content.length - gap!.length!).toBeGreaterThan(MIB / 2)
  })

  it('records a gap before it frees a byte', async () => {
    const boots = new FakeBoots(folder.path)
    const boot = await boots.start(1, randomBytes(2 * MIB))
    const onDiskWhenRecorded: number[] = []
    boots.onBootChanged(() => onDiskWhenRecorded.push(statSync(boot.journalPath).blocks * 512))
    await retentionOf(boots).look()
    expect(onDiskWhenRecorded).toEqual([2 * MIB])
    expect(await allocated(boot.journalPath)).toBeLessThan(MIB)
  })

  it('drops whole ended boots, oldest first, before it cuts live ones; journals of nobody go first of all', async () => {
    const boots = new FakeBoots(folder.path)
    const [one, two, three, live, nobody] = await Promise.all(
      [1, 2, 3, 4, 5].map((ordinal) => boots.start(ordinal, randomBytes(MIB))),
    )
    boots.end(one!.bootId, 300)
    boots.end(two!.bootId, 100)
    boots.end(three!.bootId, 200)
    boots.forget(nobody!.bootId)
    await retentionOf(boots, { bytesPerBoot: 8 * MIB, spaceBytes: 5 * MIB }).look()
    // Of 5 MiB at most 3.1 MiB are to be used: nobody's journal and the oldest ended one go.
    await expect(stat(nobody!.journalPath)).rejects.toThrow('ENOENT')
    await expect(stat(two!.journalPath)).rejects.toThrow('ENOENT')
    expect(boots.boot(two!.bootId)!.gaps).toEqual([{ offset: 0, length: MIB, reason: 'retention' }])
    for (const kept of [one, three, live]) {
      expect(boots.boot(kept!.bootId)!.gaps).toEqual([])
      expect(await allocated(kept!.journalPath)).toBeGreaterThanOrEqual(MIB)
    }
  })

  it('shows a viewer what is gone as a gap, and the rest byte for byte', async () => {
    const boots = new FakeBoots(folder.path)
    const service = new ConsoleService({ directory: boots, clock: new SystemClock(), recordTyping: () => undefined })
    const edge = await startEdge({ consoles: new WebSocketConsoles(service) })
    const content = randomBytes(8 * MIB)
    const boot = await boots.start(1, content)
    const reading = await ConsoleClient.open(edge.socketOf('viewer'))
    reading.isAcking = false
    await until(() => reading.offset === 2 * MIB)
    await retentionOf(boots).look()
    const cut = boots.boot(boot.bootId)!.gaps[0]!.length!
    reading.isAcking = true
    reading.ack()
    await until(() => reading.offset === content.length)
    expect((await reading.notice('gap')).gap).toEqual({ offset: 2 * MIB, length: cut - 2 * MIB, reason: 'retention' })
    expect(reading.jumps).toEqual([{ from: 2 * MIB, to: cut }])
    expect(reading.bytes).toEqual(Buffer.concat([content.subarray(0, 2 * MIB), content.subarray(cut)]))

    const fresh = await ConsoleClient.open(edge.socketOf('viewer'))
    expect((await fresh.notice('opened')).offset).toBe(cut)
    await until(() => fresh.offset === content.length)
    expect(fresh.bytes).toEqual(content.subarray(cut))

    const asked = await ConsoleClient.open(edge.socketOf('viewer'), { offset: 7 })
    expect((await asked.notice('gap')).gap).toEqual({ offset: 7, length: cut - 7, reason: 'retention' })

    boots.end(boot.bootId)
    await retentionOf(boots, { bytesPerBoot: 64 * MIB, spaceBytes: MIB }).look()
    const late = await ConsoleClient.open(edge.socketOf('viewer'), { offset: content.length - 5 })
    expect((await late.notice('gap')).gap).toEqual({ offset: content.length - 5, length: 5, reason: 'retention' })
    expect((await late.notice('ended')).endOffset).toBe(content.length)
    for (const client of [reading, fresh, asked, late]) client.close()
    service.dispose()
    await edge.stop()
  })

  it('stands a gap of unknown length where a viewer meets it, without losing a byte', async () => {
    const boots = new FakeBoots(folder.path)
    const service = new ConsoleService({ directory: boots, clock: new SystemClock(), recordTyping: () => undefined })
    const edge = await startEdge({ consoles: new WebSocketConsoles(service) })
    const boot = await boots.start(1, 'before|after')
    boots.recordGap(boot.bootId, { offset: 7, length: null, reason: 'space_exhausted' })
    const client = await ConsoleClient.open(edge.socketOf('viewer'))
    await until(() => client.bytes.toString() === 'before|after')
    expect(client.noticesOf('gap')).toHaveLength(1)
    expect(client.chunks.map(String)).toEqual(['before|', 'after'])
    boots.recordGap(boot.bootId, { offset: 12, length: null, reason: 'space_exhausted' })
    expect((await client.notice('gap', 2)).gap.offset).toBe(12)
    client.close()
    service.dispose()
    await edge.stop()
  })

  it('shares what is left among live journals, small ones first', () => {
    expect(fairShare([10, 10, 10], 30)).toBe(Number.POSITIVE_INFINITY)
    expect(fairShare([2, 100, 100], 62)).toBe(30)
    expect(fairShare([100], 40)).toBe(40)
    expect(fairShare([1, 2], -5)).toBe(0)
  })
})

describe('the bounded console space', () => {
  let space: ConsoleSpace
  afterEach(() => space.release())

  const openSpace = (spaceMiB = 16): Promise<ConsoleSpace> =>
    openConsoleSpace({ stateDirectory: folder.path, spaceMiB, logger: captureLog().logger })

  it('is one file system of its size, mounted once however often it is opened', async () => {
    space = await openSpace()
    expect(space.isBounded).toBe(true)
    expect((await stat(join(folder.path, 'consoles.img'))).size).toBe(16 * MIB)
    const device = await mountedAt(space.directory)
    expect(device).toBe(await loopDeviceOf(join(folder.path, 'consoles.img')))
    const again = await openSpace()
    expect(again.isBounded).toBe(true)
    expect(await mountedAt(space.directory)).toBe(device)
    await space.release()
    expect(await mountedAt(space.directory)).toBeUndefined()
  })

  it('grows and shrinks with its setting when nobody uses it, and keeps what is in it', async () => {
    space = await openSpace()
    await appendFile(join(space.directory, 'x.log'), 'kept')
    for (const spaceMiB of [32, 16]) {
      await space.release()
      space = await openSpace(spaceMiB)
      const { blocks, bsize } = await statfs(space.directory)
      expect(Math.round((blocks * bsize) / MIB / 16)).toBe(spaceMiB / 16)
      expect(await readFile(join(space.directory, 'x.log'), 'utf8')).toBe('kept')
    }
  })

  it('is mended when the host crashed while it was in use', async () => {
    space = await openSpace()
    await appendFile(join(space.directory, 'x.log'), 'kept')
    await space.release()
    const image = await open(join(folder.path, 'consoles.img'), 'r+')
    // The block bitmap's neighbourhood, as a torn write leaves it.
    await image.write(randomBytes(2048), 0, 2048, 300 * 1024)
    await image.write(randomBytes(64), 0, 64, 2048)
    await image.close()
    space = await openSpace()
    expect(space.isBounded).toBe(true)
    await appendFile(join(space.directory, 'y.log'), 'works')
  })

  it('is not put over journals that lie in the plain folder', async () => {
    await mkdir(join(folder.path, 'consoles'))
    await appendFile(join(folder.path, 'consoles', 'x.log'), 'precious')
    space = await openSpace()
    expect(space.isBounded).toBe(false)
    expect(await readFile(join(space.directory, 'x.log'), 'utf8')).toBe('precious')
  })

  it('takes a flood alone: what found no room is marked, and the console works again', async () => {
    space = await openSpace()
    const boots = new FakeBoots(space.directory)
    const old = await boots.start(1, randomBytes(2 * MIB))
    boots.end(old.bootId, 10)
    const boot = await boots.start(2)
    const guest = await open(boot.journalPath, 'a')
    const flood = async (): Promise<void> => {
      for (;;) await guest.write(Buffer.alloc(64 * 1024, 'flood '))
    }
    await expect(flood()).rejects.toThrow('ENOSPC')
    const full = (await stat(boot.journalPath)).size
    await retentionOf(boots, { journalDirectory: space.directory, isBounded: true, bytesPerBoot: 1024 * MIB }).look()
    const { gaps } = boots.boot(boot.bootId)!
    expect(gaps).toContainEqual({ offset: full, length: null, reason: 'space_exhausted' })
    expect(gaps).toContainEqual({ offset: 0, length: expect.any(Number), reason: 'retention' })
    await expect(stat(old.journalPath)).rejects.toThrow('ENOENT')
    await guest.write('still here')
    expect((await readFile(boot.journalPath)).subarray(full).toString()).toBe('still here')
    const { blocks, bavail } = await statfs(space.directory)
    expect(bavail / blocks).toBeGreaterThan(0.25)
    await guest.close()
  })
})
