import { createInterface } from 'node:readline/promises'
import type { CallOutput } from '../../../../src-shared/contract/call-names.ts'
import type { DaemonContract } from '../../../../src-shared/contract/daemon.ts'
import { checkInput, send } from '../call.ts'
import { inputOf, type Field } from '../fields.ts'
import type { Invocation } from '../invocation.ts'
import { planText } from '../render/plan.ts'
import { SPELLINGS } from '../spelling.ts'
import { usageError } from '../usage-error.ts'
import { fieldsOfCall, isMinted, runCall, summaryOf, WAIT_OPTION } from './call-command.ts'
import { addFields, givenFields } from './field-options.ts'
import { commandAt } from './group.ts'
import type { Place } from './perform.ts'

const PLAN = 'environments.destroy.plan'
const RUN = 'environments.destroy.run'
type Planned = CallOutput<DaemonContract, typeof PLAN>

interface DestroyOptions {
  readonly plan?: boolean
  readonly ticket?: string
  readonly wait?: boolean
}

/**
 * `env destroy`: plan, then run with the plan's ticket. Without a ticket it plans, shows and asks, and that only
 * where a person sits at the terminal; it never destroys what was not planned and confirmed.
 */
export function addDestroyCommand({ program, perform }: Place): void {
  const fields = fieldsOfCall(RUN)
  const command = commandAt(program, SPELLINGS[RUN].words).description(
    `${summaryOf(RUN)} Without a ticket: ${summaryOf(PLAN)}`,
  )
  addFields(command, fields, isMinted)
  command.option(`--${SPELLINGS[PLAN].mode ?? 'plan'}`, summaryOf(PLAN)).option(...WAIT_OPTION)
  command.action(() => {
    const options = command.opts<DestroyOptions>()
    const input = inputOf(fields, givenFields(command, fields))
    return perform(command, (invocation) => destroy({ input, fields, options }, invocation))
  })
}

interface Destroy {
  readonly input: Record<string, unknown>
  readonly fields: readonly Field[]
  readonly options: DestroyOptions
}

async function destroy({ input, fields, options }: Destroy, invocation: Invocation): Promise<void> {
  const target = { environment: input.environment }
  const isWaiting = options.wait === true
  if (options.plan === true && options.ticket !== undefined)
    throw usageError('--plan asks for a ticket and --ticket uses one; give one of the two.')
  if (options.plan === true) return runCall({ name: PLAN, input: target, fields }, invocation)
  if (options.ticket !== undefined) return runCall({ name: RUN, input, fields, isWaiting }, invocation)
  if (!canAsk(invocation)) {
    throw usageError(
      'Destroying needs a ticket where nobody can be asked.',
      'Add --plan, read it, then run with --ticket.',
    )
  }
  const confirmed = await confirm(target, fields, invocation)
  return runCall({ name: RUN, input: { ...input, ...confirmed }, fields, isWaiting }, invocation)
}

function canAsk({ deps, output }: Invocation): boolean {
  return deps.io.stdin.isTTY && deps.io.stderr.isTTY && !output.isJson
}

async function confirm(target: object, fields: readonly Field[], invocation: Invocation): Promise<object> {
  checkInput(PLAN, target, fields)
  const { plan, ticket } = (await send(
    await invocation.connect(),
    { name: PLAN, input: target },
    invocation,
  )) as Planned
  invocation.output.note(planText({ plan, ticket }))
  const wanted = plan.needsName ? plan.environmentName : 'yes'
  const typed = await ask(`Type ${plan.needsName ? "the environment's name" : 'yes'} to destroy it: `, invocation)
  if (typed !== wanted) throw usageError(`"${typed}" is not ${wanted}; nothing was destroyed.`)
  return { ticket: ticket.id, ...(plan.needsName ? { confirmName: typed } : {}) }
}

async function ask(question: string, { deps }: Invocation): Promise<string> {
  const prompt = createInterface({ input: deps.io.stdin, output: deps.io.stderr })
  try {
    return (await prompt.question(question, { signal: deps.signal })).trim()
  } finally {
    prompt.close()
  }
}
