import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, readdir, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { handlesOf, homeImagePath } from '../../host-daemon/drivers/qemu/handles.ts'
import type { BootRecord, HostSurvey, VmDriver } from '../../host-daemon/drivers/vm-driver.ts'
import { identifyProcess } from '../../host-daemon/system/processes.ts'
import {
  bootIdSchema,
  environmentIdSchema,
  homeIdSchema,
  type BootId,
  type HomeId,
} from '../../src-shared/model/ids.ts'
import { never } from '../conformance/driver-subject.ts'
import { makeQemuFixture, type QemuFixture } from '../support/qemu-fixture.ts'
import { waitFor } from '../support/wait-for.ts'

const QEMU = 'qemu-system-x86_64'
const FORCED = { graceMs: 0, forceMs: 10_000 }

let fixture: QemuFixture
let driver: VmDriver
const children: ChildProcess[] = []

beforeAll(async () => {
  if (process.getuid?.() !== 0)
    throw new Error('The survey of guests looks at processes of other users: run this as root.')
  fixture = await makeQemuFixture()
  driver = fixture.driver
}, 180_000)
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await fixture.remove()
})

const homeOf = (digit: string) => homeIdSchema.parse(`home-${digit.repeat(16)}`)
const bootOf = (digit: string) => bootIdSchema.parse(`boot-${digit.repeat(16)}`)

function recordOf(bootId: BootId, homeId: HomeId): BootRecord {
  const environmentId = environmentIdSchema.parse('env-00000001')
  const image = 'minimal@1' as never
  const size = { cpus: 1, memoryMiB: 128, homeMiB: 64 }
  return driver.planBoot({ environmentId, bootId, homeId, image, size, guestUid: 100_000, startup: null })
}

/** A real QEMU without anything in it, under the name of a boot that nobody has on record. */
async function startOrphan(record: BootRecord, homeId: HomeId): Promise<number> {
  const { processName, pidFile, bootDirectory } = handlesOf(record)
  await mkdir(bootDirectory, { recursive: true })
  const home = homeImagePath(fixture.options.homesDirectory, homeId)
  const args = ['-M', 'microvm', '-nodefaults', '-display', 'none', '-S', '-name', processName, '-pidfile', pidFile]
  const child = spawn(QEMU, [...args, '-drive', `if=none,id=home,format=raw,file=${home}`], { stdio: 'ignore' })
  children.push(child)
  await waitFor('the pid file', () => stat(pidFile).catch(() => undefined))
  return child.pid ?? 0
}

const bootIn = (survey: HostSurvey, id: BootId) => survey.boots.find(({ bootId }) => bootId === id)
const homeIn = (survey: HostSurvey, id: HomeId) => survey.homes.find(({ homeId }) => homeId === id)

describe('the survey of a host with QEMU', () => {
  it('finds nothing where nothing is', async () => {
    expect(await driver.survey(never)).toEqual({ homes: [], boots: [], problems: [] })
  })

  it('tells homes that are whole, half-made and half-removed', async () => {
    const [whole, half, remains] = [homeOf('a'), homeOf('b'), homeOf('c')]
    const { homesDirectory } = fixture.options
    await driver.createHome(whole, 64, never)
    await writeFile(`${homeImagePath(homesDirectory, half)}.making`, Buffer.alloc(8_192, 1))
    await driver.createHome(remains, 64, never)
    await writeFile(join(homesDirectory, 'notes.txt'), 'not a home')
    await unlink(homeImagePath(homesDirectory, remains))
    const survey = await driver.survey(never)
    expect(survey.problems).toEqual([])
    expect(homeIn(survey, whole)).toMatchObject({ state: 'whole', environmentId: null })
    expect(homeIn(survey, whole)?.bytes).toBeGreaterThan(0)
    expect(homeIn(survey, half)).toMatchObject({ state: 'half_made' })
    expect(homeIn(survey, remains)).toMatchObject({ state: 'remains', bytes: null })
    for (const id of [whole, half, remains]) await driver.destroyHome(id)
    expect(await readdir(homesDirectory)).toEqual(['notes.txt'])
    expect((await driver.survey(never)).homes).toEqual([])
  })

  it('finds a living guest by its process, with the home that it uses, and a record that ends it', async () => {
    const [bootId, homeId] = [bootOf('d'), homeOf('d')]
    await driver.createHome(homeId, 64, never)
    const pid = await startOrphan(recordOf(bootId, homeId), homeId)
    const found = bootIn(await driver.survey(never), bootId)
    expect(found).toMatchObject({ process: { pid }, homeId, hasFiles: true })
    if (found === undefined) throw new Error('no guest was found')
    expect(await driver.stopGuest(found.record, FORCED)).toBe('forced')
    expect(await identifyProcess(pid)).toBeUndefined()
    expect((await driver.survey(never)).boots).toEqual([])
    await driver.destroyHome(homeId)
  })

  it('takes no notice of the guests of other daemons, whatever their names', async () => {
    const other = await makeQemuFixture()
    try {
      const [bootId, homeId] = [bootOf('e'), homeOf('e')]
      await driver.createHome(homeId, 64, never)
      const pid = await startOrphan(recordOf(bootId, homeId), homeId)
      expect((await other.driver.survey(never)).boots).toEqual([])
      expect(bootIn(await driver.survey(never), bootId)?.process?.pid).toBe(pid)
      await driver.stopGuest(recordOf(bootId, homeId), FORCED)
      await driver.destroyHome(homeId)
    } finally {
      await other.remove()
    }
  })

  it('finds the files of a boot without a process', async () => {
    const record = recordOf(bootOf('f'), homeOf('f'))
    await mkdir(handlesOf(record).bootDirectory)
    await writeFile(handlesOf(recordOf(bootOf('1'), homeOf('1'))).outputFile, 'it said something')
    const survey = await driver.survey(never)
    expect(survey.boots.map(({ bootId, process, hasFiles }) => [bootId, process, hasFiles]).sort()).toEqual([
      [bootOf('1'), null, true],
      [bootOf('f'), null, true],
    ])
    for (const boot of survey.boots) await driver.stopGuest(boot.record, FORCED)
    expect((await driver.survey(never)).boots).toEqual([])
  })
})
