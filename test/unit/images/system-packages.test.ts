import { describe, expect, it } from 'vitest'
import { parsePackages } from '../../../host-daemon/images/packages.ts'
import { parseSimulation } from '../../../host-daemon/images/system-packages.ts'

describe('parseSimulation', () => {
  it('takes name and version of what would be installed, whatever apt says beside it', () => {
    const output = `Reading package lists...
The following NEW packages will be installed:
  libc6 systemd
Inst libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64]) []
Inst libgcc-s1:amd64 (1:12.2.0-14~x Debian:12.15/oldstable, Security:12/oldstable-security [amd64])
Inst systemd [251.1] (252.39-1~deb12u2 Debian:12.15/oldstable [amd64])
Conf libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64])
Remv gone (1)
`
    expect(parseSimulation(output)).toEqual([
      ['libc6', '2.36-9+deb12u14'],
      ['libgcc-s1', '1:12.2.0-14~x'],
      ['systemd', '252.39-1~deb12u2'],
    ])
  })
})

describe('parsePackages', () => {
  it('keeps the whole text of each package beside what is read of it', () => {
    const [first, second] = ['one', 'two'].map(
      (name) =>
        `Package: ${name}\nVersion: 1\nEssential: yes\nFilename: pool/${name}.deb\nSHA256: ${name}\nDescription: x\n y`,
    )
    expect(parsePackages(`${first}\n\n${second}\n\n\n`)).toEqual([
      { name: 'one', version: '1', sha256: 'one', depends: '', stanza: first },
      { name: 'two', version: '1', sha256: 'two', depends: '', stanza: second },
    ])
  })

  it('leaves out what has no version or no digest', () => {
    expect(parsePackages('Package: virtual\n\nPackage: half\nVersion: 1\n')).toEqual([])
  })
})
