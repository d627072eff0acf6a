import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { imageRefSchema } from '../../src-shared/model/ids.ts'
import { FakeMachine } from '../support/fake-machine.ts'
import { FakeVmDriver } from '../support/fake-vm-driver.ts'
import { never, type DriverSubject } from './driver-subject.ts'
import { describeVmDriver } from './vm-driver-conformance.ts'

describeVmDriver('the fake driver', { makeSubject, console: 'echo', readyDeadlineMs: 5_000 })

/** What tests of everything above the drivers rely on must behave as a driver does. */
async function makeSubject(): Promise<DriverSubject> {
  const journalFolder = await mkdtemp(join(tmpdir(), 'pilothouse-fake-'))
  const machine = new FakeMachine()
  const driver = new FakeVmDriver({ machine, journalFolder })
  const roomFolder = join(journalFolder, 'rooms')
  return {
    driver,
    image: imageRefSchema.parse('minimal@1'),
    restart: () => Promise.resolve(new FakeVmDriver({ machine, journalFolder })),
    crash: (record) => {
      machine.kill(record.bootId)
      return Promise.resolve()
    },
    freeze: () => Promise.reject(new Error('A pretended guest has no engine to freeze.')),
    silence: () => {
      driver.hold('ready')
      return Promise.resolve()
    },
    leaveInHome: (homeId, content) => {
      const home = machine.homes.get(homeId)
      if (home !== undefined) machine.homes.put(homeId, { ...home, content })
      return Promise.resolve()
    },
    lookIntoHome: (homeId) => {
      const { sizeMiB = 0, content = '' } = machine.homes.get(homeId) ?? {}
      return Promise.resolve({ sizeMiB, text: content })
    },
    toldTo: ({ bootId }) => {
      const { variables = {}, files = [] } = machine.guests.get(bootId)?.startup ?? {}
      return Promise.resolve({
        variables,
        files: Object.fromEntries(files.map(({ path, content }) => [path, content])),
      })
    },
    changeTold: () => Promise.resolve(),
    readFromView: (imagePath) => readFile(imagePath, 'utf8'),
    scratchDirectory: join(journalFolder, 'scratch'),
    roomFolder,
    // A pretended daemon cannot be killed in the middle; what it leaves is what it leaves when its work fails.
    dieFilling: async (homeId) => {
      const died = new Error('The daemon died.')
      await driver.fillHome(homeId, { folder: roomFolder, signal: never }, () => Promise.reject(died)).catch(() => {})
    },
    // Trees are folders beside the one that is named.
    expectNothingOpen: async () => {
      expect((await readdir(journalFolder)).filter((name) => name.startsWith('rooms-'))).toEqual([])
    },
    remove: () => rm(journalFolder, { recursive: true, force: true }),
  }
}
