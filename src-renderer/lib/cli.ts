import type { EnvironmentSize } from '../../src-shared/model/environment.ts'
import type { Labels } from '../../src-shared/model/labels.ts'
import type { EnvironmentAction } from './action-rules.ts'

/** The CLI form of what a button does, to copy. Values of a closed grammar need no quoting; labels are quoted. */
export function environmentCli(verb: string, name: string, host: string): string {
  return `pilothouse env ${verb} ${name} --host ${host || 'HOST'}`
}

/** The forms that are one verb and the name; the others take what a dialog asks for. */
const SIMPLE: readonly EnvironmentAction[] = ['start', 'stop', 'reboot', 'recover']

/** The command line forms of what is done most, to copy from the page. */
export function pageClis(name: string, host: string): string[] {
  const plans = (['reset', 'destroy'] as const).map((verb) => planCli(verb, name, host))
  return [...['show', ...SIMPLE].map((verb) => environmentCli(verb, name, host)), ...plans]
}

/** Asks for the plan, and the ticket to run it. */
export function planCli(verb: 'reset' | 'destroy', name: string, host: string): string {
  return `${environmentCli(verb, name, host)} --plan`
}

export function resizeCli(name: string, host: string, size: Partial<EnvironmentSize>): string {
  const { cpus, memoryMiB, homeMiB } = size
  const flags = [
    cpus === undefined ? '' : ` --cpus ${cpus}`,
    memoryMiB === undefined ? '' : ` --memory-mib ${memoryMiB}`,
    homeMiB === undefined ? '' : ` --home-mib ${homeMiB}`,
  ]
  return environmentCli('resize', name, host) + flags.join('')
}

export function renameCli(name: string, host: string, to: string): string {
  return environmentCli('rename', `${name} ${to || 'NEW-NAME'}`, host)
}

export function protectCli(name: string, host: string, isProtected: boolean): string {
  return environmentCli('protect', `${name} ${isProtected ? 'on' : 'off'}`, host)
}

/** A word as a POSIX shell takes it for itself. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/** Sets what differs, and removes what is there no more. */
export function labelCli(name: string, host: string, change: { before: Labels; after: Labels }): string {
  const { before, after } = change
  const set = Object.entries(after).filter(([key, value]) => before[key] !== value)
  const removed = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  const words = [...set.map(([key, value]) => quoted(`${key}=${value}`)), ...removed.map((key) => `${key}-`)]
  return environmentCli('label', [name, ...words].join(' '), host)
}

export function spawnCli(
  host: string,
  request: { name: string; owner: string; image: string; size: EnvironmentSize },
): string {
  const { name, owner, image, size } = request
  const sizes = `--cpus ${size.cpus} --memory-mib ${size.memoryMiB} --home-mib ${size.homeMiB}`
  return `pilothouse env spawn ${name || 'NAME'} --host ${host || 'HOST'} --owner ${owner || 'OWNER'} --image ${image || 'IMAGE'} ${sizes}`
}
