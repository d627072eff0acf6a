import { spawnSync } from 'node:child_process'

/** Mounts in this process's own namespace; for programs that only prepare one, so it may wait. Throws on failure. */
export function mount(...args: string[]): void {
  const { status, stderr } = spawnSync('mount', ['--no-mtab', ...args], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`mount ${args.join(' ')}: ${stderr}`)
}

/** Becomes the program: the pid stays. `argv[0]` is looked for on the PATH where it has no slash. */
export function become(argv: readonly string[]): never {
  const [name = '', ...args] = argv
  const folders = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin']
  const candidates = name.includes('/') ? [name] : folders.map((folder) => `${folder}/${name}`)
  if (process.execve === undefined) throw new Error('this Node cannot become another program')
  for (const file of candidates) {
    if (spawnSync('test', ['-x', file]).status === 0) process.execve(file, [name, ...args], process.env)
  }
  throw new Error(`${name} was not found`)
}
