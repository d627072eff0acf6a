import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  expectNothingLeft,
  GUEST_TEST_MS,
  newBootId,
  planGuest,
  QUICK_STOP,
  startAndWait,
  type DriverSubject,
  type DriverTraits,
  type PlannedGuest,
} from './driver-subject.ts'
import { GuestShell, readRange } from './guest-shell.ts'

const FLOOD_TEST_MS = 120_000
const FLOOD_LINES = 200_000
const RAW_BYTES = 50 * 1024 * 1024

/** What must hold for a real engine with a real shell on the console. Registers the tests in the current block. */
export function describeShellGuest(subject: () => DriverSubject, traits: DriverTraits): void {
  let guest: PlannedGuest

  beforeAll(async () => {
    guest = await planGuest(subject(), { memoryMiB: 192, homeMiB: 192 })
    await startAndWait(subject().driver, guest, traits)
  }, GUEST_TEST_MS)
  afterAll(async () => {
    await subject().driver.stopGuest(guest.record, QUICK_STOP)
    await subject().driver.destroyHome(guest.spec.homeId)
  })

  it(
    'runs what is typed, takes every key, and Ctrl-C ends a command',
    async () => {
      const shell = await GuestShell.open(subject().driver, guest.record)
      await shell.run('echo "sum-$((6*7))"; tty', ['sum-42', '/dev/hvc0'])
      await shell.run('stty -echo; read -rsn1 key; printf "key-%d\\n" "\'$key"; stty echo\n\u0001', ['key-1'])
      await shell.interruptSleep()
      await shell.run('echo "still-$((7*8))"', ['still-56'])
      expect(await readFile(guest.record.journalPath, 'latin1')).not.toContain('notinterrupted')
      shell.close()
    },
    GUEST_TEST_MS,
  )

  it(
    'keeps its home over a stop and a start, and ends by itself when told to',
    async () => {
      const { driver } = subject()
      const shell = await GuestShell.open(driver, guest.record)
      await shell.run('echo "kept-$((40+2))" > /home/note; sync; echo "synced-$((1+1))"', ['synced-2'])
      await shell.type('poweroff\n')
      shell.close()
      await expect.poll(() => driver.inspectGuest(guest.record), { timeout: 20_000 }).toMatchObject({ kind: 'gone' })
      expect(await driver.stopGuest(guest.record, QUICK_STOP)).toBe('was_gone')

      const spec = { ...guest.spec, bootId: newBootId() }
      guest = { spec, record: driver.planBoot(spec) }
      await startAndWait(driver, guest, traits)
      const again = await GuestShell.open(driver, guest.record)
      await again.run('cat /home/note', ['kept-42'])
      again.close()
    },
    GUEST_TEST_MS,
  )

  it(
    'still takes input, and its agent still answers, after 200,000 lines, all of them in the journal',
    async () => {
      const { driver } = subject()
      const shell = await GuestShell.open(driver, guest.record)
      const from = await shell.run(`printf 'BEG''IN\\n'; seq 1 ${FLOOD_LINES}; printf 'E''ND\\n'`, ['BEGIN\r\n'])
      const end = await shell.seen('END\r\n', { from, timeoutMs: FLOOD_TEST_MS })
      const lines = Array.from({ length: FLOOD_LINES }, (_, index) => `${index + 1}\r\n`).join('')
      const journal = await readRange(guest.record.journalPath, from, end - 'END\r\n'.length)
      expect(sha256(journal)).toBe(sha256(lines))
      await shell.run('echo "typing-$((2*21))"', ['typing-42'])
      expect(await driver.inspectGuest(guest.record)).toMatchObject({ kind: 'alive', agent: 'answering' })
      shell.close()
    },
    FLOOD_TEST_MS,
  )

  it(
    'writes 50 MB of raw bytes into the journal unchanged, past a typist who reads nothing',
    async () => {
      const shell = await GuestShell.open(subject().driver, guest.record)
      await shell.run(
        `dd if=/dev/urandom of=/home/raw bs=1M count=50 2>/dev/null; set -- $(sha256sum /home/raw); echo "digest-$1."`,
        [],
      )
      const digestEnd = await shell.seen(/digest-[0-9a-f]{64}\./, { timeoutMs: GUEST_TEST_MS })
      const digest = (await readRange(guest.record.journalPath, digestEnd - 65, digestEnd - 1)).toString('latin1')
      const from = await shell.run(
        `stty raw -echo; printf 'BEG''IN.'; cat /home/raw; printf 'E''ND.'; stty sane; rm /home/raw`,
        ['BEGIN.'],
      )
      await expect
        .poll(async () => (await stat(guest.record.journalPath)).size, { timeout: FLOOD_TEST_MS })
        .toBeGreaterThanOrEqual(from + RAW_BYTES + 'END.'.length)
      expect(sha256(await readRange(guest.record.journalPath, from, from + RAW_BYTES))).toBe(digest)
      await shell.run('echo "after-$((2*21))"', ['after-42'])
      shell.close()
    },
    FLOOD_TEST_MS,
  )

  it(
    'is forced to stop when neither it nor its engine reacts',
    async () => {
      const { driver } = subject()
      await subject().freeze(guest.record)
      expect(await driver.inspectGuest(guest.record)).toMatchObject({ kind: 'alive', agent: 'silent' })
      expect(await driver.stopGuest(guest.record, { graceMs: 500, forceMs: 10_000 })).toBe('forced')
      await expectNothingLeft(driver, guest.record)
    },
    GUEST_TEST_MS,
  )
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}
