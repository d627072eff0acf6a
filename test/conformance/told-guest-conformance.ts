import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { startupSchema } from '../../src-shared/model/startup.ts'
import type { BootSpec } from '../../host-daemon/drivers/vm-driver.ts'
import {
  expectNothingLeft,
  GRACEFUL_STOP,
  GUEST_TEST_MS,
  newBootId,
  planGuest,
  startAndWait,
  type DriverSubject,
  type DriverTraits,
} from './driver-subject.ts'

/** The file that a guest is told. */
export const TOLD_PATH = 'etc/deep/told.conf'

const AWKWARD = `it's "all" $HOME \`id\` \\ \n\ttwo lines, ü \u0081 'quoted''`

/** Says on a shell guest's console what its command sees, closed to whatever else is said there. */
const TELLING = `printf 'TOLD[%s|%s]\\n' "$(env -0 | base64 -w 0)" "$(base64 -w 0 /run/pilothouse/startup/files/${TOLD_PATH})"`

const STARTUP = startupSchema.parse({
  command: TELLING,
  variables: { TOLD_SECRET: 'hunter2', TOLD_AWKWARD: AWKWARD, TOLD_NOTHING: '' },
  files: [{ path: TOLD_PATH, content: `content ${AWKWARD}` }],
})

/** What must hold of what a guest is told at its start. Registers the tests in the current block. */
export function describeToldGuest(subject: () => DriverSubject, traits: DriverTraits): void {
  it(
    'sees it as it was given, cannot change it, and sees it again at the next start',
    async () => {
      const { driver } = subject()
      const { spec: plain } = await planGuest(subject())
      for (const bootId of [plain.bootId, newBootId()]) {
        const spec: BootSpec = { ...plain, bootId, startup: STARTUP }
        const record = driver.planBoot(spec)
        expect(JSON.stringify(record)).not.toContain('hunter2')
        try {
          await startAndWait(driver, { spec, record }, traits)
          const told = await subject().toldTo(record)
          expect(told.variables).toMatchObject(STARTUP.variables)
          expect(told.files).toEqual({ [TOLD_PATH]: `content ${AWKWARD}` })
          await subject().changeTold(record)
        } finally {
          await driver.stopGuest(record, GRACEFUL_STOP)
        }
        await expectNothingLeft(driver, record)
        expect(await readFile(record.journalPath, 'latin1')).not.toContain('hunter2')
      }
      await driver.destroyHome(plain.homeId)
    },
    2 * GUEST_TEST_MS,
  )
}
