import type { EnvironmentSize } from '../../src-shared/model/environment.ts'
import type { Labels } from '../../src-shared/model/labels.ts'
import type { Startup } from '../../src-shared/model/startup.ts'
import type { EnvironmentAction } from './action-rules.ts'
import { quoted } from './shell-word.ts'

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

/** Sets what differs, and removes what is there no more. */
export function labelCli(name: string, host: string, change: { before: Labels; after: Labels }): string {
  const { before, after } = change
  const set = Object.entries(after).filter(([key, value]) => before[key] !== value)
  const removed = Object.keys(before).filter((key) => !Object.hasOwn(after, key))
  const words = [...set.map(([key, value]) => quoted(`${key}=${value}`)), ...removed.map((key) => `${key}-`)]
  return environmentCli('label', [name, ...words].join(' '), host)
}

interface SpawnWords {
  readonly name: string
  readonly owner: string
  readonly image: string
  readonly size: EnvironmentSize
  readonly labels?: Labels
  readonly startup?: Startup
}

/** A value of a variable never stands in it, nor does a content: `NAME=…`, and `PATH=FILE` for a local file. */
export function spawnCli(host: string, { name, owner, image, size, labels = {}, startup }: SpawnWords): string {
  const words = [
    `pilothouse env spawn ${name || 'NAME'} --host ${host || 'HOST'} --owner ${owner || 'OWNER'}`,
    `--image ${image || 'IMAGE'}`,
    `--cpus ${size.cpus} --memory-mib ${size.memoryMiB} --home-mib ${size.homeMiB}`,
    ...Object.entries(labels).map(([key, value]) => `--label ${quoted(`${key}=${value}`)}`),
    ...(startup === undefined ? [] : startupWords(startup)),
  ]
  return words.join(' ')
}

function startupWords({ command, variables, files }: Startup): string[] {
  return [
    ...(command === undefined ? [] : [`--startup-command ${quoted(command)}`]),
    ...Object.keys(variables).map((variable) => `--env ${quoted(variable || 'NAME')}=…`),
    ...files.map(({ path }) => `--file ${quoted(path || 'PATH')}=FILE`),
  ]
}
