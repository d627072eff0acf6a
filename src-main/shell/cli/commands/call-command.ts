import type { Command } from 'commander'
import { daemonContract } from '../../../../src-shared/contract/daemon.ts'
import { metaAt, procedureAt } from '../../../../src-shared/contract/client.ts'
import { inputShapeOf } from '../../../../src-shared/contract/describe.ts'
import { operationSchema, type Operation } from '../../../../src-shared/model/operation.ts'
import { checkInput, isStream, itemsOf, pathOf, send, withCommandId } from '../call.ts'
import { fieldsOf, inputOf, type Field } from '../fields.ts'
import type { Invocation } from '../invocation.ts'
import { answerEnded, answerOperation } from '../operation-outcome.ts'
import { renderAnswer } from '../render/answers.ts'
import { SPELLINGS, type DaemonCallName } from '../spelling.ts'
import { addFields, givenFields } from './field-options.ts'
import { commandAt } from './group.ts'
import type { Place } from './perform.ts'

export function fieldsOfCall(name: DaemonCallName): Field[] {
  return fieldsOf(inputShapeOf(daemonContract, pathOf(name)), SPELLINGS[name])
}

export function summaryOf(name: DaemonCallName): string {
  return metaAt(daemonContract, pathOf(name))?.summary ?? ''
}

/** Minted here where it is not given, so never mandatory on the command line. */
export function isMinted(field: Field): boolean {
  return field.flag === 'command-id'
}

/** The call changes something and answers with the operation that does it. */
export function startsOperation(name: DaemonCallName): boolean {
  const procedure = procedureAt(daemonContract, pathOf(name))
  return (
    procedure?.['~orpc'].outputSchema === operationSchema &&
    'commandId' in (inputShapeOf(daemonContract, pathOf(name)).properties ?? {})
  )
}

const WAIT_OPTION = ['--wait', 'answer when the operation has ended, with its outcome as the exit status'] as const

/** What a command takes in words of its own, for the values that its spelling sets apart. */
export interface Extension {
  addTo(command: Command): void
  /** What it adds to the input. Throws usage errors. */
  read(command: Command): Promise<Record<string, unknown>>
}

/** One command, derived from one call. */
export function addCallCommand(place: Place, name: DaemonCallName, extension?: Extension): void {
  const command = commandAt(place.program, SPELLINGS[name].words).description(summaryOf(name))
  const fields = fieldsOfCall(name)
  addFields(command, fields, isMinted)
  extension?.addTo(command)
  if (startsOperation(name)) command.option(...WAIT_OPTION)
  command.action(() => {
    const given = inputOf(fields, givenFields(command, fields))
    const isWaiting = command.opts<{ wait?: boolean }>().wait === true
    return place.perform(command, async (invocation) => {
      const input = { ...given, ...(await extension?.read(command)) }
      return runCall({ name, input, fields, isWaiting }, invocation)
    })
  })
}

export { WAIT_OPTION }

export interface PreparedCall {
  readonly name: DaemonCallName
  readonly input: unknown
  readonly fields?: readonly Field[]
  readonly isWaiting?: boolean
}

/** Checks, sends and prints one call. */
export async function runCall(call: PreparedCall, invocation: Invocation): Promise<void> {
  await printAnswer(call, invocation)
}

/** The same; resolves with what the call was answered, as it was first. */
export async function printAnswer(call: PreparedCall, invocation: Invocation): Promise<unknown> {
  const { name } = call
  const input = withCommandId(name, call.input, invocation)
  checkInput(name, input, call.fields)
  const session = await invocation.connect()
  const answer = await send(session, { name, input }, invocation)
  if (isStream(name)) {
    for await (const item of itemsOf(answer, invocation)) invocation.output.item(item, () => renderAnswer(name, item))
  } else if (name === 'operations.wait') {
    answerEnded(answer as Operation, invocation)
  } else if (startsOperation(name)) {
    await answerOperation(answer as Operation, { session, isWaiting: call.isWaiting === true }, invocation)
  } else {
    invocation.output.item(answer, () => renderAnswer(name, answer))
  }
  return answer
}
