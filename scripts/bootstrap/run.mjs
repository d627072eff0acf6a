import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { join } from 'node:path'

const SYSTEM_PATH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Resolves with the exit status; output goes where ours goes, unless `quiet`. */
export function run(argv, options = {}) {
  const { quiet = false, ...spawnOptions } = options
  const [file, ...args] = argv
  // Our stdout belongs to the command that follows: its last line may be read by a program.
  const stdio = quiet ? 'ignore' : ['inherit', process.stderr, 'inherit']
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio, ...spawnOptions })
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })
}

/** The program's absolute path, or undefined. Looks in the system folders too, which an ordinary PATH may lack. */
export function findProgram(name) {
  const folders = [...(process.env.PATH ?? '').split(':'), ...SYSTEM_PATH].filter((folder) => folder !== '')
  return folders.map((folder) => join(folder, name)).find(isProgram)
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

export function say(line) {
  process.stderr.write(`${line}\n`)
}
