import { afterAll, beforeAll, expect, it } from 'vitest'
import type { GuestProgram, GuestProgramResult } from '../../host-daemon/drivers/vm-driver.ts'
import {
  GUEST_TEST_MS,
  never,
  planGuest,
  QUICK_STOP,
  startAndWait,
  type DriverSubject,
  type DriverTraits,
  type PlannedGuest,
} from './driver-subject.ts'

const MIB = 1024 * 1024
const PROGRAM_MS = 20_000
/** An emulated guest says a megabyte in seconds. */
const LONG_PROGRAM_MS = 50_000

/** Programs run in a guest through its agent. Registers the tests in the current block. */
export function describeGuestPrograms(subject: () => DriverSubject, traits: DriverTraits): void {
  let guest: PlannedGuest
  let running: PlannedGuest | undefined
  beforeAll(async () => {
    const planned = await planGuest(subject())
    guest = { ...planned, spec: { ...planned.spec, isIsolated: true } }
    running = guest
    await startAndWait(subject().driver, guest, traits)
  }, GUEST_TEST_MS)
  afterAll(async () => {
    if (running === undefined) return
    await subject().driver.stopGuest(running.record, QUICK_STOP)
    await subject().driver.destroyHome(running.spec.homeId)
  })
  const run = (program: Partial<GuestProgram>): Promise<GuestProgramResult> =>
    subject().driver.runInGuest(guest.record, {
      ...{ file: '/bin/sh', args: [], deadlineMs: PROGRAM_MS, signal: never },
      ...program,
    })
  const sh = (script: string, more: Partial<GuestProgram> = {}) => run({ args: ['-c', script], ...more })

  it('answer with their exit status, and reject with the reason where they are not wanted', async () => {
    expect(await run({ args: ['-c', 'exit 0'] })).toMatchObject({ exitCode: 0 })
    const reason = new Error('not wanted any more')
    await expect(run({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  if (traits.console === 'shell') describeRealPrograms({ run, sh })

  it(
    'are refused by a guest that is gone',
    async () => {
      const waiting = traits.console === 'shell' ? sh('sleep 600') : undefined
      const refused = waiting === undefined ? undefined : expect(waiting).rejects.toMatchObject({ code: 'guest_gone' })
      await subject().crash(guest.record)
      await refused
      await expect(run({})).rejects.toMatchObject({ code: 'guest_gone' })
    },
    GUEST_TEST_MS,
  )
}

interface Running {
  readonly run: (program: Partial<GuestProgram>) => Promise<GuestProgramResult>
  readonly sh: (script: string, more?: Partial<GuestProgram>) => Promise<GuestProgramResult>
}

/** In a guest that is isolated. */
function describeRealPrograms({ run, sh }: Running): void {
  it('get every argument as it is', async () => {
    const args = ['', 'two words', 'two\nlines', '"quoted" \\ $HOME `id`', '-n', 'ä€𝄞']
    const { stdout } = await run({ args: ['-c', 'printf "%s\\0" "$@"', 'sh', ...args] })
    expect(stdout.toString('utf8').split('\0').slice(0, -1)).toEqual(args)
  })

  it('answer with both streams apart, byte for byte, and how they ended', async () => {
    expect(await sh(String.raw`printf 'out\377\000'; printf 'err' >&2; exit 7`)).toEqual({
      exitCode: 7,
      stdout: Buffer.from('out\xff\0', 'latin1'),
      stderr: Buffer.from('err'),
    })
    expect(await sh('kill -9 $$')).toMatchObject({ exitCode: null })
  })

  it(
    'have what they say cut at its limit, and the agent goes on',
    async () => {
      const { exitCode, stdout, stderr } = await sh('head -c 1100000 /dev/zero | tr "\\0" x; echo said >&2', {
        deadlineMs: LONG_PROGRAM_MS,
      })
      expect({ exitCode, said: stderr.toString() }).toEqual({ exitCode: 0, said: 'said\n' })
      expect(stdout.equals(Buffer.alloc(MIB, 'x'))).toBe(true)
      expect((await sh('echo on')).stdout.toString()).toBe('on\n')
    },
    GUEST_TEST_MS,
  )

  it('are waited for no longer than they may take, and leave the agent to others meanwhile', async () => {
    const late = sh('sleep 5', { deadlineMs: 1_000 })
    const refused = expect(late).rejects.toMatchObject({ code: 'deadline_exceeded' })
    expect((await sh('echo beside')).stdout.toString()).toBe('beside\n')
    await refused
  })

  it('that are not there are refused in a sentence', async () => {
    await expect(run({ file: '/no/such/program' })).rejects.toMatchObject({ code: 'engine_failed' })
  })

  it('find no network in a guest that must have none', async () => {
    expect((await sh('ls /sys/class/net')).stdout.toString()).toMatch(/^(lo\n)?$/)
  })
}
