import { randomInt } from 'node:crypto'
import { FakeMachine } from './fake-machine.ts'
import { serveFakeDriverDaemon } from './served-fake-daemon.ts'

/**
 * A daemon with pretended guests as a process of its own: `node fake-driver-daemon.main.ts FOLDER`. Database, guests,
 * journals and role sockets (`FOLDER/run`) are in the folder; kill it, start it again, and it goes on.
 */
const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('The folder is missing')

const served = await serveFakeDriverDaemon({
  folder,
  machine: new FakeMachine(folder),
  arrange: ({ delayMs }) => {
    // Slow enough to be killed in the middle of anything.
    for (const action of ['createHome', 'startGuest', 'ready', 'stopGuest', 'destroyHome'] as const) {
      delayMs[action] = randomInt(2, 25)
    }
  },
})
process.once('SIGTERM', () => void served.stop())
process.stdout.write('ready\n')
