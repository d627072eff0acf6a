import type { Environment, ObservedState } from '../../../../src-shared/model/environment.ts'
import { PHASE_SENTENCES } from '../../../../src-shared/model/environment.ts'
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

export function environmentTable(environments: readonly Environment[]): string {
  const rows = environments.map((environment) => [
    environment.name,
    environment.id,
    stateWord(environment.observed),
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
    ['desired', environment.desired],
    ['seen', localTime(environment.observedAt)],
    ['owner', environment.owner],
    ['image', environment.image],
    ['driver', environment.driver],
    ['size', sizeWords(environment)],
    ['home', environment.home.id],
    ['boot', boot === null ? null : `${boot.ordinal} (${boot.id}) since ${localTime(boot.startedAt)}`],
    ['generation', String(environment.generation)],
    ['protected', environment.isProtected ? 'yes' : 'no'],
    ['operation', environment.operationId],
    ['created', localTime(environment.createdAt)],
  ])
}
