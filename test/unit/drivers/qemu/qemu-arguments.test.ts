import { describe, expect, it } from 'vitest'
import { planBoot } from '../../../../host-daemon/drivers/qemu/handles.ts'
import {
  assertNoNetwork,
  launchArguments,
  qemuArguments,
  type Accelerator,
} from '../../../../host-daemon/drivers/qemu/qemu-arguments.ts'
import type { BootSpec } from '../../../../host-daemon/drivers/vm-driver.ts'
import { bootIdSchema, environmentIdSchema, homeIdSchema, imageRefSchema } from '../../../../src-shared/model/ids.ts'
import { startupSchema } from '../../../../src-shared/model/startup.ts'

const SPEC: BootSpec = {
  environmentId: environmentIdSchema.parse('env-00000001'),
  bootId: bootIdSchema.parse('boot-0000000000000001'),
  homeId: homeIdSchema.parse('home-0000000000000001'),
  image: imageRefSchema.parse('minimal@1'),
  size: { cpus: 2, memoryMiB: 512, homeMiB: 1024 },
  guestUid: 200_001,
  startup: null,
}
const FOLDERS = { runDirectory: '/run/ph', homesDirectory: '/srv/homes', journalDirectory: '/srv/journals' }
const IMAGE = { ref: SPEC.image, kernelPath: '/img/kernel', initrdPath: '/img/initrd', commandLine: ['panic=-1'] }
const TCG: Accelerator = { kind: 'tcg', tscKhz: 2_596_122 }

function argumentsFor(accelerator: Accelerator, runDirectory = '/run/ph'): string[] {
  const record = planBoot(SPEC, { ...FOLDERS, runDirectory })
  return qemuArguments({ spec: SPEC, record, image: IMAGE, accelerator, homeImage: '/srv/homes/home.img' })
}
const valueOf = (args: readonly string[], option: string): string | undefined => args[args.indexOf(option) + 1]

describe('qemuArguments', () => {
  it('names size, image, home, journal and every socket of the boot', () => {
    const args = argumentsFor(TCG)
    expect(valueOf(args, '-smp')).toBe('2')
    expect(valueOf(args, '-m')).toBe('512M')
    expect(valueOf(args, '-kernel')).toBe('/img/kernel')
    expect(valueOf(args, '-name')).toBe('pilothouse-boot-0000000000000001')
    expect(valueOf(args, '-append')).toBe(
      'console=ttyS0 pci=off noirqdebug tsc_early_khz=2596122 tsc=reliable panic=-1 pilothouse.name=env-00000001',
    )
    expect(args).toContain('if=none,id=home,format=raw,cache=writeback,discard=unmap,file=/srv/homes/home.img')
    expect(valueOf(args, '-qmp')).toBe('unix:/run/ph/boot-0000000000000001/qmp,server=on,wait=off')
    expect(args.join(' ')).toContain('mux=on,logfile=/srv/journals/boot-0000000000000001.log,logappend=on')
  })

  it("gives the image's own disk beside the home, closed to writing, where there is one", () => {
    const [image, homeImage] = [{ ...IMAGE, rootPath: '/img/root,1' }, '/srv/home.img']
    const args = qemuArguments({ spec: SPEC, record: planBoot(SPEC, FOLDERS), image, accelerator: TCG, homeImage })
    expect(args).toContain('if=none,id=root,format=raw,readonly=on,file=/img/root,,1')
    expect(args).toContain('virtio-blk-device,drive=root,serial=root')
    expect(argumentsFor(TCG).join(' ')).not.toContain('id=root')
  })

  it("keeps the sandbox, the network and the console's keys shut in whatever the accelerator", () => {
    for (const args of [argumentsFor(TCG), argumentsFor({ kind: 'kvm' })]) {
      expect(valueOf(args, '-sandbox')).toBe('on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny')
      expect(valueOf(args, '-netdev')).toBe('user,id=net,restrict=on')
      expect(valueOf(args, '-echr')).toBe('256')
      for (const option of ['-nodefaults', '-no-user-config', '-no-reboot']) expect(args).toContain(option)
    }
  })

  it('gives a guest that is only tried out no network at all, and refuses to whatever adds one', () => {
    const spec = { ...SPEC, isIsolated: true }
    const boot = { spec, record: planBoot(spec, FOLDERS), image: IMAGE, accelerator: TCG, homeImage: '/srv/home.img' }
    const args = qemuArguments(boot)
    expect(args.join(' ')).not.toMatch(/net(dev|work)|-nic|virtio-net/)
    expect(() => assertNoNetwork(args)).not.toThrow()
    // All else is as it is for any other guest.
    const networked = qemuArguments({ ...boot, spec: SPEC })
    const at = networked.indexOf('-netdev')
    expect(networked.toSpliced(at, 4)).toEqual(args)
    const additions = [
      ['-netdev', 'user,id=a'],
      ['-nic', 'tap'],
      ['-net', 'nic'],
      ['--netdev', 'tap,id=a'],
      ['-device', 'virtio-net-device'],
      ['-device', 'e1000'],
      ['-device', 'some-new-device,netdev=a'],
      ['-device', 'some-new-device,mac=00:00:00:00:00:01'],
    ]
    for (const addition of additions) expect(() => assertNoNetwork([...args, ...addition])).toThrow('without a network')
  })

  it('hands over what the guest is told on a disk that it only reads, and none of it by argument', () => {
    const startup = startupSchema.parse({ command: 'launch hunter2', variables: { TOKEN: 'hunter2' } })
    const spec = { ...SPEC, startup }
    const record = planBoot(spec, FOLDERS)
    const args = qemuArguments({ spec, record, image: IMAGE, accelerator: TCG, homeImage: '/srv/homes/home.img' })
    expect(args).toContain('if=none,id=startup,format=raw,readonly=on,file=/run/ph/boot-0000000000000001/startup')
    expect(args).toContain('virtio-blk-device,drive=startup,serial=startup')
    expect(valueOf(args, '-append')).toMatch(/ pilothouse\.startup=1$/)
    expect(JSON.stringify([args, record])).not.toMatch(/hunter2|TOKEN|launch/)
    expect(argumentsFor(TCG).join(' ')).not.toContain('startup')
  })

  it('tells an emulated guest alone how fast its counter runs', () => {
    expect(valueOf(argumentsFor({ kind: 'kvm' }), '-append')).not.toContain('tsc_early_khz')
    expect(valueOf(argumentsFor({ kind: 'kvm' }), '-cpu')).toBe('host,-arch-capabilities')
    expect(argumentsFor(TCG)).not.toContain('-cpu')
  })

  it('doubles commas in paths, which would end a value otherwise', () => {
    expect(valueOf(argumentsFor(TCG, '/run/a,b'), '-qmp')).toBe(
      'unix:/run/a,,b/boot-0000000000000001/qmp,server=on,wait=off',
    )
  })
})

describe('launchArguments', () => {
  it('gives up uid, groups, capabilities and every way back', () => {
    expect(launchArguments({ uid: 7, group: undefined }, ['qemu', '-x'])).toEqual([
      ...['--reuid', '7', '--regid', '7', '--clear-groups', '--no-new-privs'],
      ...['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all', '--', 'qemu', '-x'],
    ])
    expect(launchArguments({ uid: 7, group: 108 }, ['qemu']).join(' ')).toContain('--groups 108')
    expect(launchArguments({ uid: 7, group: undefined, diesWithDaemon: true }, ['qemu'])).toContain('--pdeathsig')
  })
})

describe('planBoot', () => {
  it('refuses a run directory whose sockets would not fit into an address', () => {
    expect(() => planBoot(SPEC, { ...FOLDERS, runDirectory: `/${'x'.repeat(90)}` })).toThrow(RangeError)
  })
})
