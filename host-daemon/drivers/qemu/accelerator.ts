import { join } from 'node:path'
import type { Accelerator as AcceleratorReport } from '../../../src-shared/model/daemon.ts'
import { runProgram } from '../../system/child.ts'
import { readText } from '../../system/file-parts.ts'
import { factsOf, isSeen } from '../../system/presence.ts'
import type { GuestImage } from '../../images/catalogue.ts'
import type { QemuDriverOptions } from './options.ts'
import { kernelCommandLine, launchArguments, machine, type Accelerator } from './qemu-arguments.ts'
import { qemuBinary, type ChosenAccelerator } from './start-guest.ts'
import { textOf } from './inspect-guest.ts'

const PROBE_TIMEOUT_MS = 5_000
const PROBE_MEMORY_MIB = 128
const PROBE_PASSED = 'pilothouse-probe-passed'
const NOBODY = 65_534
const KVM_DEVICE = '/dev/kvm'
const ALL_MAY_READ_AND_WRITE = 0o006
const GROUP_MAY_READ_AND_WRITE = 0o060

export interface AcceleratorAnswer extends ChosenAccelerator {
  readonly report: AcceleratorReport
  /** False where nothing could be probed yet; it is asked again. */
  readonly isFinal: boolean
}

/**
 * KVM where a guest has really booted with it, else emulation, with the reason in a sentence. A device node proves
 * nothing: there are kernels whose KVM cannot boot a stock kernel.
 */
export async function chooseAccelerator(options: QemuDriverOptions, signal: AbortSignal): Promise<AcceleratorAnswer> {
  if (options.accelerator === 'tcg') return await emulated('The settings ask for emulation.')
  const group = await kvmGroup()
  if (options.accelerator === 'kvm') return hardware('The settings ask for KVM.', group.gid)
  if (await isSeen('/sys/module/kvm_pvm'))
    return await emulated(
      'This machine is itself a guest with KVM in software (kvm_pvm), which does not boot stock kernels.',
    )
  if (!group.mayOpen) return await emulated(group.reason)
  const image = await probeImage(options)
  if (image === undefined) return { ...(await emulated('No image is built yet to try KVM with.')), isFinal: false }
  const trial = { accelerator: { kind: 'kvm' }, image, group: group.gid, timeoutMs: PROBE_TIMEOUT_MS } as const
  const failure = await bootProbeGuest(options, trial, signal)
  signal.throwIfAborted()
  return failure === undefined
    ? hardware('A guest was booted with KVM to try it.', group.gid)
    : await emulated(`A guest did not boot with KVM: ${failure}`)
}

function hardware(reason: string, group: number | undefined): AcceleratorAnswer {
  return { accelerator: { kind: 'kvm' }, group, report: { kind: 'kvm', reason }, isFinal: true }
}

async function emulated(reason: string): Promise<AcceleratorAnswer> {
  const accelerator: Accelerator = { kind: 'tcg', tscKhz: await hostTscKhz() }
  return { accelerator, group: undefined, report: { kind: 'tcg', reason }, isFinal: true }
}

export interface ProbeTrial {
  readonly accelerator: Accelerator
  readonly image: GuestImage
  readonly group: number | undefined
  readonly timeoutMs: number
}

interface KvmGroup {
  readonly mayOpen: boolean
  readonly gid: number | undefined
  readonly reason: string
}

/** Guests never run as root: its device must be open to everyone or to a group of its own. */
async function kvmGroup(): Promise<KvmGroup> {
  const device = await factsOf(KVM_DEVICE).catch(() => undefined)
  if (device === undefined) return { mayOpen: false, gid: undefined, reason: `This machine has no ${KVM_DEVICE}.` }
  if ((device.mode & ALL_MAY_READ_AND_WRITE) === ALL_MAY_READ_AND_WRITE)
    return { mayOpen: true, gid: undefined, reason: '' }
  const byGroup = (device.mode & GROUP_MAY_READ_AND_WRITE) === GROUP_MAY_READ_AND_WRITE && device.gid !== 0
  return { mayOpen: byGroup, gid: byGroup ? device.gid : undefined, reason: `${KVM_DEVICE} is open to root alone.` }
}

async function probeImage(options: QemuDriverOptions): Promise<GuestImage | undefined> {
  const [image] = await options.images.list()
  return image === undefined ? undefined : await options.images.resolve(image.ref)
}

/** Boots a guest that says so and powers off. Undefined when it did; otherwise what happened instead. */
export async function bootProbeGuest(
  options: Pick<QemuDriverOptions, 'qemuBinary' | 'probeUid'>,
  trial: ProbeTrial,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { accelerator, image, group, timeoutMs } = trial
  const program = [
    ...[qemuBinary(options), ...machine(accelerator), '-m', `${PROBE_MEMORY_MIB}M`, '-serial', 'stdio'],
    ...['-kernel', image.kernelPath, '-initrd', image.initrdPath],
    ...['-append', kernelCommandLine(image, accelerator, ['pilothouse.probe=1'])],
  ]
  try {
    const { stdout } = await runProgram({
      file: 'setpriv',
      args: launchArguments({ uid: options.probeUid ?? NOBODY, group, diesWithDaemon: true }, program),
      timeoutMs,
      signal,
    })
    return stdout.includes(PROBE_PASSED) ? undefined : 'it ended without having come up.'
  } catch (error) {
    return textOf(error)
  }
}

/**
 * How fast the host's time stamp counter runs, which an emulated guest sees as its own and cannot measure.
 * Where the clock of the cores varies, their nominal frequency is the counter's.
 */
export async function hostTscKhz(): Promise<number> {
  const cpu = '/sys/devices/system/cpu/cpu0'
  const readNumber = async (path: string): Promise<number> => Number(await readText(path).catch(() => 'NaN'))
  const candidates = [
    (await readNumber(join(cpu, 'cpufreq/base_frequency'))) || 0,
    ((await readNumber(join(cpu, 'acpi_cppc/nominal_freq'))) || 0) * 1_000,
  ]
  const cpuinfo = await readText('/proc/cpuinfo')
  const named = /^model name.*@ ([0-9.]+)GHz/m.exec(cpuinfo)?.[1]
  const current = /^cpu MHz\s*: ([0-9.]+)/m.exec(cpuinfo)?.[1]
  candidates.push(Number(named ?? 0) * 1_000_000, Number(current ?? 0) * 1_000)
  const found = candidates.find((khz) => khz > 0)
  if (found === undefined) throw new Error('The host does not say how fast its time stamp counter runs.')
  return Math.round(found)
}
