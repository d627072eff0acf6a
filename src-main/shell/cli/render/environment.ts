import { bytesText } from '../../../../src-shared/lib/bytes-text.ts'
import type { Environment, ObservedState } from '../../../../src-shared/model/environment.ts'
import { PHASE_SENTENCES } from '../../../../src-shared/model/environment.ts'
import type { Labels } from '../../../../src-shared/model/labels.ts'
import type { StartupSummary } from '../../../../src-shared/model/startup.ts'
import { facts, localTime, table } from './text.ts'

/** The state in one or two words. */
export function stateWord(state: ObservedState): string {
  switch (state.kind) {
    case 'creating':
    case 'booting':
      return `${state.kind} (${state.phase})`
    case 'running':
      return state.agent === 'answering' ? 'running' : 'running (agent silent)'
    case 'failed':
      return `failed (${state.reason})`
    case 'stopping':
    case 'stopped':
    case 'lost':
    case 'unknown':
      return state.kind
  }
}

function stateSentence(state: ObservedState): string | null {
  if (state.kind === 'creating' || state.kind === 'booting') return PHASE_SENTENCES[state.phase]
  return 'detail' in state ? state.detail : null
}

function sizeWords({ size }: Environment): string {
  return `${size.cpus} CPU, ${size.memoryMiB} MiB, home ${size.homeMiB} MiB`
}

/** What a person may do about a home that is gone, and what it does not do. */
export const HOME_GONE_NEXT = (name: string) =>
  `The home is gone; nothing was started without it. To start empty: pilothouse env reset ${name} --plan`

/** The column of a list: what keeps an environment from being used comes before what its guest does. */
function listedState({ observed, quarantine, home }: Environment): string {
  if (quarantine !== null) return 'quarantined'
  return home.goneAt === null ? stateWord(observed) : `${observed.kind}, home gone`
}

export function environmentTable(environments: readonly Environment[]): string {
  const rows = environments.map((environment) => [
    environment.name,
    environment.id,
    listedState(environment),
    environment.owner,
    environment.image,
    sizeWords(environment),
    localTime(environment.observed.since),
  ])
  return table(['NAME', 'ID', 'STATE', 'OWNER', 'IMAGE', 'SIZE', 'SINCE'], rows)
}

export function environmentFacts(environment: Environment): string {
  const { boot, observed } = environment
  return facts([
    ['name', environment.name],
    ['id', environment.id],
    ['state', `${stateWord(observed)} since ${localTime(observed.since)}`],
    ['', stateSentence(observed)],
    ['quarantine', environment.quarantine],
    ['', environment.quarantine === null ? null : QUARANTINE_NEXT],
    ['desired', environment.desired],
    ['seen', localTime(environment.observedAt)],
    ['owner', environment.owner],
    ['image', environment.image],
    ['driver', environment.driver],
    ['size', sizeWords(environment)],
    ['home', homeWords(environment)],
    ['', environment.home.goneAt === null ? null : HOME_GONE_NEXT(environment.name)],
    ...labelFacts(environment.labels),
    ...startupFacts(environment.startup),
    ['boot', boot === null ? null : `${boot.ordinal} (${boot.id}) since ${localTime(boot.startedAt)}`],
    ['generation', String(environment.generation)],
    ['protected', environment.isProtected ? 'yes' : 'no'],
    ['operation', environment.operationId],
    ['created', localTime(environment.createdAt)],
  ])
}

const QUARANTINE_NEXT =
  'It keeps its home and resources and refuses recover, reset and restore; it can be stopped and destroyed.'

function homeWords({ home }: Environment): string {
  if (home.goneAt !== null) return `${home.id}, gone since ${localTime(home.goneAt)}`
  return home.madeAt === null ? `${home.id}, not made yet` : home.id
}

function labelFacts(labels: Labels): [string, string][] {
  return sortedLabels(labels).map(([key, value], index) => [index === 0 ? 'labels' : '', `${key}=${value}`])
}

function sortedLabels(labels: Labels): [string, string][] {
  return Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Names and sizes alone: values are never answered. */
function startupFacts(startup: StartupSummary | null): [string, string | null][] {
  if (startup === null) return []
  const { hasCommand, variables, files } = startup
  const fileWords = files.map(
    ({ path, bytes, isExecutable }) => `${path} (${bytesText(bytes)}${isExecutable ? ', executable' : ''})`,
  )
  return [
    ['at start', hasCommand ? 'a command' : null],
    ['variables', variables.length === 0 ? null : variables.join(', ')],
    ...fileWords.map((words, index): [string, string] => [index === 0 ? 'files' : '', words]),
  ]
}

export function labelTable(labels: Labels): string {
  const rows = sortedLabels(labels)
  return rows.length === 0 ? 'It has no labels.' : table(['LABEL', 'VALUE'], rows)
}
