import type { GuestImage } from '../../images/catalogue.ts'
import type { BootRecord, BootSpec } from '../vm-driver.ts'
import { handlesOf, startupArchivePath } from './handles.ts'

/** The accelerator to start with. Under TCG the guest must be told how fast its time stamp counter runs. */
export type Accelerator = { readonly kind: 'kvm' } | { readonly kind: 'tcg'; readonly tscKhz: number }

/** The name of the agent's port, in the guest too. */
export const AGENT_PORT = 'org.qemu.guest_agent.0'
const TRANSLATION_BUFFER_MIB = 32
/** No byte has this value: no key is taken from the guest as QEMU's own (Ctrl-A otherwise). */
const NO_ESCAPE_CHARACTER = '256'

export interface QemuBoot {
  readonly spec: BootSpec
  readonly record: BootRecord
  readonly image: GuestImage
  readonly accelerator: Accelerator
  /** Absolute path of the home's file. */
  readonly homeImage: string
}

/** Pure: what QEMU is started with, without the program's own name. */
export function qemuArguments({ spec, record, image, accelerator, homeImage }: QemuBoot): string[] {
  const handles = handlesOf(record)
  const args = [
    ...machine(accelerator),
    ...['-name', handles.processName, '-pidfile', handles.pidFile],
    ...['-smp', String(spec.size.cpus), '-m', `${spec.size.memoryMiB}M`],
    ...['-kernel', image.kernelPath, '-initrd', image.initrdPath],
    ...['-append', kernelCommandLine(image, accelerator, guestWords(spec))],
    ...consoleDevices(handles.consolePipe, record.journalPath),
    ...agentDevices(handles.agentSocket),
    ...['-object', 'rng-builtin,id=entropy', '-device', 'virtio-rng-device,rng=entropy'],
    ...homeDevices(homeImage),
    ...(image.rootPath === undefined ? [] : rootDevices(image.rootPath)),
    ...(spec.startup === null ? [] : startupDevices(startupArchivePath(handles))),
    ...(spec.isIsolated === true ? [] : networkDevices()),
    ...['-qmp', `unix:${escapeComma(handles.qmpSocket)},server=on,wait=off`],
  ]
  if (spec.isIsolated === true) assertNoNetwork(args)
  return args
}

/** One that leads nowhere: neither to the host nor out of it. */
function networkDevices(): string[] {
  return ['-netdev', 'user,id=net,restrict=on', '-device', 'virtio-net-device,netdev=net']
}

const NETWORK_OPTIONS = new Set(['-netdev', '-nic', '-net'])
const NETWORK_DEVICE = /^(?:virtio-net|e1000|rtl8139|pcnet|ne2k|i8255|usb-net|vmxnet|tulip|vhost-)|[,=]netdev=|,mac=/

/** Whoever adds a network later, however: no guest that must not have one starts. */
export function assertNoNetwork(args: readonly string[]): void {
  const found = args.find((arg, index) => {
    const isDevice = args[index - 1] === '-device' && NETWORK_DEVICE.test(arg)
    return isDevice || NETWORK_OPTIONS.has(arg.replace(/^--/, '-'))
  })
  if (found !== undefined) throw new Error(`A guest without a network was to be started with one (${found}).`)
}

/** Says that there is something to be told, never what. */
function guestWords({ environmentId, startup }: BootSpec): string[] {
  return [`pilothouse.name=${environmentId}`, ...(startup === null ? [] : ['pilothouse.startup=1'])]
}

/** What every guest and the probe have in common: the machine, the sandbox, nothing that was not asked for. */
export function machine(accelerator: Accelerator): string[] {
  const chosen =
    accelerator.kind === 'kvm'
      ? ['-accel', 'kvm', '-cpu', 'host,-arch-capabilities']
      : ['-accel', `tcg,tb-size=${TRANSLATION_BUFFER_MIB}`]
  return [
    ...['-M', 'microvm', '-global', 'virtio-mmio.force-legacy=false', ...chosen],
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-echr', NO_ESCAPE_CHARACTER],
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
  ]
}

/**
 * Pure: the kernel's command line, this machine's words first. `noirqdebug`: the console's driver has usually seen
 * what an interrupt is about before it arrives; after 100,000 such writes the kernel would switch the interrupt
 * off, say so in the middle of a line, and hear its input ten times a second at best. `tsc=reliable`: an emulated
 * machine has no second clock to check the counter by, and would count ticks instead, losing some under load.
 */
export function kernelCommandLine(image: GuestImage, accelerator: Accelerator, words: readonly string[]): string {
  const clock = accelerator.kind === 'tcg' ? [`tsc_early_khz=${accelerator.tscKhz}`, 'tsc=reliable'] : []
  return ['console=ttyS0', 'pci=off', 'noirqdebug', ...clock, ...image.commandLine, ...words].join(' ')
}

/**
 * One device behind the boot console (ttyS0) and the shell's (hvc0), so that their output has one order; its log
 * file is the journal. Its input is a pipe and its output goes nowhere else: no reader can stall the guest, and
 * nobody has to drain anything.
 */
function consoleDevices(pipe: string, journalPath: string): string[] {
  return [
    '-chardev',
    `pipe,id=console,path=${escapeComma(pipe)},mux=on,logfile=${escapeComma(journalPath)},logappend=on`,
    ...['-serial', 'chardev:console'],
    ...['-device', 'virtio-serial-device,id=console-bus,max_ports=1'],
    ...['-device', 'virtconsole,bus=console-bus.0,chardev=console'],
  ]
}

function agentDevices(socket: string): string[] {
  return [
    ...['-chardev', `socket,id=agent,path=${escapeComma(socket)},server=on,wait=off`],
    ...['-device', 'virtio-serial-device,id=agent-bus,max_ports=2'],
    ...['-device', `virtserialport,bus=agent-bus.0,nr=1,chardev=agent,name=${AGENT_PORT}`],
  ]
}

function homeDevices(homeImage: string): string[] {
  const drive = `if=none,id=home,format=raw,cache=writeback,discard=unmap,file=${escapeComma(homeImage)}`
  return ['-drive', drive, '-device', 'virtio-blk-device,drive=home']
}

/** The image's own disk, shared by all its guests, none of which can write to it; found by its serial. */
function rootDevices(rootImage: string): string[] {
  const drive = `if=none,id=root,format=raw,readonly=on,file=${escapeComma(rootImage)}`
  return ['-drive', drive, '-device', 'virtio-blk-device,drive=root,serial=root']
}

/** A disk that the guest cannot write to, whatever it does; found by its serial. */
function startupDevices(archive: string): string[] {
  const drive = `if=none,id=startup,format=raw,readonly=on,file=${escapeComma(archive)}`
  return ['-drive', drive, '-device', 'virtio-blk-device,drive=startup,serial=startup']
}

/** QEMU splits option values at commas; a doubled one is the character itself. */
function escapeComma(value: string): string {
  return value.replaceAll(',', ',,')
}

export interface LaunchIdentity {
  /** The guest's uid, and its gid. */
  readonly uid: number
  /** The one further group, where KVM needs one. */
  readonly group: number | undefined
  /** Guests outlive the daemon; a probe does not. */
  readonly diesWithDaemon?: boolean
}

/**
 * Pure: the arguments of `setpriv` that turn it into QEMU without the daemon's rights: own uid and gid, no
 * capabilities, no way to new privileges.
 */
export function launchArguments(identity: LaunchIdentity, program: readonly string[]): string[] {
  const groups = identity.group === undefined ? ['--clear-groups'] : ['--groups', String(identity.group)]
  return [
    ...['--reuid', String(identity.uid), '--regid', String(identity.uid), ...groups],
    ...(identity.diesWithDaemon === true ? ['--pdeathsig', 'KILL'] : []),
    ...['--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all', '--'],
    ...program,
  ]
}
