/**
 * What the commands need of the machine beside Node. `programs` or `files` (any of them) tell whether it is there,
 * `package` which Debian package brings it (`ubuntu` where that differs), `services` what that package would start.
 */
export const NEEDS = {
  qemu: { programs: ['qemu-system-x86_64'], package: 'qemu-system-x86', why: 'runs the guests' },
  ext4: { programs: ['mkfs.ext4'], package: 'e2fsprogs', why: 'makes and checks the homes of guests' },
  restic: { programs: ['restic'], package: 'restic', why: 'backs homes up and restores them' },
  fuse2fs: { programs: ['fuse2fs'], package: 'fuse2fs', why: 'reads the homes of guests without the kernel' },
  fuse: { programs: ['fusermount3'], package: 'fuse3', why: 'lets a program without rights show what it reads' },
  images: { programs: ['qemu-img'], package: 'qemu-utils', why: "makes room for what a home's journal replays" },
  sshd: {
    programs: ['sshd'],
    package: 'openssh-server',
    services: ['ssh.service', 'ssh.socket'],
    why: 'makes this machine a host; its own service stays off',
  },
  ssh: { programs: ['ssh-keygen'], package: 'openssh-client', why: "makes the host's keys and yours" },
  setpriv: { programs: ['setpriv'], package: 'util-linux', why: 'keeps guests and accounts apart from yours' },
  mount: { programs: ['mount'], package: 'mount', why: 'gives the host its own view of accounts' },
  xz: { programs: ['xz'], package: 'xz-utils', why: 'unpacks the kernel and its modules' },
  debian: { programs: ['mmdebstrap'], package: 'mmdebstrap', why: 'installs the system of the Debian image' },
  ss: { programs: ['ss'], package: 'iproute2', why: 'shows who listens on the network' },
  window: {
    // Ubuntu's chromium is a snap; there only Electron's libraries are asked for.
    files: ['/usr/bin/chromium', '/usr/lib/x86_64-linux-gnu/libgtk-3.so.0'],
    package: 'chromium',
    ubuntu: 'libgtk-3-0 libnss3 libgbm1 libasound2t64',
    why: 'the window, and the libraries that Electron needs',
  },
  browser: {
    programs: ['chromium', 'chromium-browser', 'google-chrome'],
    package: 'chromium',
    ubuntu: 'chromium-browser',
    why: 'the tests in a browser, and the libraries that Electron needs',
  },
  compiler: { programs: ['g++'], package: 'g++', why: 'builds what the test runtime of Electron needs' },
  make: { programs: ['make'], package: 'make', why: 'builds what the test runtime of Electron needs' },
  python: { programs: ['python3'], package: 'python3', why: 'builds what the test runtime of Electron needs' },
  rclone: { programs: ['rclone'], package: 'rclone', why: "serves restic's REST protocol in the tests" },
  strace: { programs: ['strace'], package: 'strace', why: 'counts the disk syncs of a command in the tests' },
  xvfb: { programs: ['Xvfb'], package: 'xvfb', why: 'a display for the window where there is none' },
}

const HOST = ['qemu', 'ext4', 'fuse2fs', 'fuse', 'images', 'restic', 'xz', 'sshd', 'ssh', 'setpriv', 'mount']
const BUILD_TOOLS = ['compiler', 'make', 'python']
const EVERYTHING = [...HOST, 'debian', 'ss', 'strace', 'rclone', 'browser', 'xvfb']

function quickstartNeeds(args) {
  if (args.includes('--clean')) return ['setpriv']
  return args.includes('--check') ? [...HOST, 'browser', 'xvfb'] : [...HOST, 'window']
}

/** Names in `NEEDS` for a command as it was called. */
export function needsOf(command, args) {
  if (command === 'quickstart') return quickstartNeeds(args)
  // On a host of the console's list nothing is needed of this machine.
  if (command === 'demo') return args.some((word) => word.startsWith('--host')) ? [] : HOST
  if (command === 'install') return args.includes('--build-tools') ? [...EVERYTHING, ...BUILD_TOOLS] : EVERYTHING
  return ['test', 'bench', 'faults'].includes(command) ? EVERYTHING : []
}
