import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runProgram } from '../../host-daemon/system/child.ts'
import { processesWith } from '../support/kill-points.ts'

const UNIT = join(import.meta.dirname, '../../resources/systemd/pilothoused.service')
const MAIN = join(import.meta.dirname, '../support/bounded-daemon.main.ts')

/** As the guest's root made it. */
const HOME = [
  './capable f 755 0:0',
  './device b 600 0:0',
  './lost+found d 700 0:0',
  './pipe p 644 1000:1000',
  './program f 6755 1000:1000',
  './shared d 2775 1000:1000',
  'capable cap_net_raw=ep',
]

interface Rights {
  readonly capabilities: readonly string[]
  readonly hasNoNewPrivileges: boolean
}

describe("the rights of the daemon's unit", () => {
  let folder: string
  let unit: Map<string, string>
  let rights: Rights
  beforeAll(async () => {
    const lines = (await readFile(UNIT, 'utf8')).split('\n').filter((line) => /^[A-Z]\w*=/.test(line))
    unit = new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
    const capabilities = (unit.get('CapabilityBoundingSet') ?? '').split(' ')
    rights = { capabilities, hasNoNewPrivileges: unit.get('NoNewPrivileges') === 'yes' }
  })
  beforeEach(async () => {
    folder = await mkdtemp('/tmp/pilothouse-unit-')
    await chmod(folder, 0o711)
  })
  afterEach(async () => {
    expect(processesWith((words) => words.some((word) => word.includes(folder)))).toEqual([])
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(folder)
    await rm(folder, { recursive: true, force: true })
  })

  async function worksWith({ capabilities, hasNoNewPrivileges }: Rights): Promise<unknown> {
    const names = capabilities.map((name) => `+${name.replace('CAP_', '').toLowerCase()}`)
    const bound = `--bounding-set=${['-all', ...names].join(',')}`
    const args = [...(hasNoNewPrivileges ? ['--no-new-privs'] : []), bound, '--inh-caps=-all', '--']
    const program = [process.execPath, MAIN, folder]
    // As from the unit's UMask.
    const umask = ['sh', '-c', 'umask 0077; exec "$@"', 'sh']
    const { stdout } = await runProgram({ file: 'setpriv', args: [...args, ...umask, ...program], timeoutMs: 30_000 })
    return JSON.parse(stdout.toString())
  }

  it('are enough to fill a home with all that a guest may have in it, and to read it again', async () => {
    expect(rights.capabilities.length).toBeGreaterThan(1)
    expect(await worksWith(rights)).toEqual({ verified: HOME, viewed: HOME })
  })

  it.each(['CAP_SYS_CHROOT', 'CAP_MKNOD', 'CAP_FSETID', 'CAP_SETFCAP'])('are not enough without %s', async (name) => {
    const capabilities = rights.capabilities.filter((one) => one !== name)
    expect(capabilities.length).toBe(rights.capabilities.length - 1)
    const outcome = await worksWith({ ...rights, capabilities }).catch(() => 'failed')
    expect(outcome).not.toEqual({ verified: HOME, viewed: HOME })
  })

  it('would not be enough where nothing may gain rights', async () => {
    await expect(worksWith({ ...rights, hasNoNewPrivileges: true })).rejects.toMatchObject({
      stderr: expect.stringContaining('fusermount: mount failed'),
    })
  })

  it('are not taken back by what cannot be tried here', () => {
    // It forbids the modes that a restored home has.
    expect(unit.get('RestrictSUIDSGID')).toBeUndefined()
    // It closes /dev/kvm, /dev/fuse and the loop devices to units of older systemd.
    expect(unit.get('ProtectClock')).toBeUndefined()
    // The daemon could set the clock, but for this.
    expect(rights.capabilities).not.toContain('CAP_SYS_TIME')
  })
})
