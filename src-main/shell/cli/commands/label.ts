import type { Environment } from '../../../../src-shared/model/environment.ts'
import { environmentRefSchema, type EnvironmentRef } from '../../../../src-shared/model/ids.ts'
import { labelKeySchema, type Labels } from '../../../../src-shared/model/labels.ts'
import { assignmentsOf } from '../assignment.ts'
import { checkInput, send } from '../call.ts'
import type { Invocation } from '../invocation.ts'
import { labelTable } from '../render/environment.ts'
import { SPELLINGS } from '../spelling.ts'
import { usageError } from '../usage-error.ts'
import { commandAt } from './group.ts'
import type { Place } from './perform.ts'

const CALL = 'environments.setLabels'

interface Change {
  readonly set: Labels
  readonly removed: readonly string[]
}

/**
 * `env label NAME KEY=VALUE KEY-`: sets and removes labels and leaves the others. The whole set is read, changed and
 * sent; of two people who do so at the same moment, the later one's set stands.
 */
export function addLabelCommand({ program, perform }: Place): void {
  const command = commandAt(program, SPELLINGS[CALL].words)
    .description('Show the labels of the environment, or set (KEY=VALUE) and remove (KEY-) some of them.')
    .argument('<environment>', 'an environment id (env- and 8 hex digits) or an environment name')
    .argument('[labels...]', 'KEY=VALUE sets one, KEY- removes one; without any they are shown')
  command.action((environment: string, words: readonly string[]) =>
    perform(command, (invocation) => label(environment, words, invocation)),
  )
}

async function label(word: string, words: readonly string[], invocation: Invocation): Promise<void> {
  const change = changeOf(words)
  const environment = refOf(word)
  const session = await invocation.connect()
  const { labels } = await session.client.environments.get({ environment }, invocation.callOptions)
  if (words.length === 0) {
    say(labels, invocation)
    return
  }
  const input = { environment, labels: changed(labels, change) }
  checkInput(CALL, input)
  const answer = (await send(session, { name: CALL, input }, invocation)) as Environment
  say(answer.labels, invocation)
}

function say(labels: Labels, { output }: Invocation): void {
  output.item(labels, () => labelTable(labels))
}

function refOf(word: string): EnvironmentRef {
  const parsed = environmentRefSchema.safeParse(word)
  if (parsed.success) return parsed.data
  throw usageError(`ENVIRONMENT: ${parsed.error.issues[0]?.message ?? 'is malformed'}.`)
}

function changeOf(words: readonly string[]): Change {
  const isRemoval = (word: string) => !word.includes('=') && word.endsWith('-')
  const removed = words.filter(isRemoval).map((word) => word.slice(0, -1))
  const wrong = removed.map((key) => labelKeySchema.safeParse(key)).find(({ success }) => !success)
  if (wrong !== undefined) throw usageError(`LABELS: a key ${wrong.error?.issues[0]?.message ?? 'is malformed'}.`)
  const form = { place: 'LABELS', form: 'KEY=VALUE or KEY-', name: labelKeySchema }
  const set = assignmentsOf(
    words.filter((word) => !isRemoval(word)),
    form,
  )
  const both = removed.find((key) => Object.hasOwn(set, key))
  if (both !== undefined) throw usageError(`LABELS: ${both} is both set and removed.`)
  return { set, removed }
}

function changed(labels: Labels, { set, removed }: Change): Labels {
  const kept = Object.entries(labels).filter(([key]) => !removed.includes(key))
  return { ...Object.fromEntries(kept), ...set }
}
