import { createInterface } from 'node:readline/promises'
import type { CallOutput } from '../../../../src-shared/contract/call-names.ts'
import type { DaemonContract } from '../../../../src-shared/contract/daemon.ts'
import { PilothouseError } from '../../../../src-shared/error.ts'
import type { DriftResult } from '../../../../src-shared/model/drift.ts'
import { checkInput, send } from '../call.ts'
import { inputOf, type Field } from '../fields.ts'
import type { Invocation } from '../invocation.ts'
import { renderAnswer } from '../render/answers.ts'
import { SPELLINGS, type DaemonCallName } from '../spelling.ts'
import { usageError } from '../usage-error.ts'
import {
  fieldsOfCall,
  isMinted,
  printAnswer,
  runCall,
  startsOperation,
  summaryOf,
  WAIT_OPTION,
} from './call-command.ts'
import { addFields, givenFields } from './field-options.ts'
import { commandAt } from './group.ts'
import type { Place } from './perform.ts'

type PlanCall = Extract<DaemonCallName, `${string}.plan`>
type RunCall = Extract<DaemonCallName, `${string}.run`>
type Planned = CallOutput<DaemonContract, PlanCall>

/** A dangerous operation: a call that plans and hands out a ticket, and a call that runs with it. */
export interface DangerousCommand {
  readonly plan: PlanCall
  readonly run: RunCall
  /** Such as `Resetting`, `reset it`, `reset`. */
  readonly doing: string
  readonly verb: string
  readonly done: string
  /** What is typed where the plan asks for a name, in words. */
  readonly nameSays: string
  /** Throws where the answer, though there is one, is not what was asked for. */
  readonly settle?: (answer: unknown) => void
}

const OF_ENVIRONMENT = { nameSays: "the environment's name" }

export const DESTROY: DangerousCommand = {
  plan: 'environments.destroy.plan',
  run: 'environments.destroy.run',
  doing: 'Destroying',
  verb: 'destroy it',
  done: 'destroyed',
  ...OF_ENVIRONMENT,
}

export const RESET: DangerousCommand = {
  plan: 'environments.reset.plan',
  run: 'environments.reset.run',
  doing: 'Resetting',
  verb: 'reset it',
  done: 'reset',
  ...OF_ENVIRONMENT,
}

export const RESTORE: DangerousCommand = {
  plan: 'restore.plan',
  run: 'restore.run',
  doing: 'Restoring',
  verb: 'restore it',
  done: 'restored',
  ...OF_ENVIRONMENT,
}

export const UNDO: DangerousCommand = {
  plan: 'undo.plan',
  run: 'undo.run',
  doing: 'Undoing a restore',
  verb: 'bring the replaced home back',
  done: 'undone',
  ...OF_ENVIRONMENT,
}

export const DROP: DangerousCommand = {
  plan: 'drop.plan',
  run: 'drop.run',
  doing: 'Giving up a kept home',
  verb: 'remove the kept home',
  done: 'removed',
  ...OF_ENVIRONMENT,
}

export const CLEAN_UP: DangerousCommand = {
  plan: 'drift.plan',
  run: 'drift.run',
  doing: 'Cleaning up',
  verb: 'clean up',
  done: 'cleaned up',
  nameSays: "the host's own name",
  settle: (answer) => {
    const { failed } = answer as DriftResult
    if (failed.length === 0) return
    throw new PilothouseError('engine_failed', `${failed.length} of the leftovers could not be removed.`, {
      hint: 'Each is named with its problem; mend that, and plan their clean-up again.',
      details: { failed },
    })
  },
}

interface DangerousOptions {
  readonly plan?: boolean
  readonly ticket?: string
  readonly wait?: boolean
}

interface Asked {
  readonly options: DangerousOptions
  readonly planInput: Record<string, unknown>
  readonly runInput: Record<string, unknown>
  readonly fields: readonly Field[]
}

/**
 * Plan, then run with the plan's ticket. Without a ticket it plans, shows and asks, and that only where a person sits
 * at the terminal; it never runs what was not planned and confirmed.
 */
export function addDangerousCommand({ program, perform }: Place, dangerous: DangerousCommand): void {
  const { plan, run } = dangerous
  const [planFields, runFields] = [fieldsOfCall(plan), fieldsOfCall(run)]
  const alone = planFields.filter(({ flag }) => !runFields.some((field) => field.flag === flag))
  const fields = [...alone, ...runFields]
  const command = commandAt(program, SPELLINGS[run].words).description(
    `${summaryOf(run)} Without a ticket: ${summaryOf(plan)}`,
  )
  addFields(command, fields, (field) => isMinted(field) || alone.includes(field))
  const { mode } = SPELLINGS[plan]
  if (mode !== undefined) command.option(`--${mode}`, summaryOf(plan))
  if (startsOperation(run)) command.option(...WAIT_OPTION)
  command.action(() => {
    const given = givenFields(command, fields)
    const isOf = (some: readonly Field[]) => some.map(({ flag }) => fields.find((field) => field.flag === flag))
    const asked = {
      options: command.opts<DangerousOptions>(),
      planInput: inputOf(fields, new Map([...given].filter(([field]) => isOf(planFields).includes(field)))),
      runInput: inputOf(fields, new Map([...given].filter(([field]) => isOf(runFields).includes(field)))),
      fields,
    }
    return perform(command, (invocation) => runDangerous(dangerous, asked, invocation))
  })
}

async function runDangerous(dangerous: DangerousCommand, asked: Asked, invocation: Invocation): Promise<void> {
  const { options, planInput, runInput, fields } = asked
  const isWaiting = options.wait === true
  if (options.plan === true && options.ticket !== undefined)
    throw usageError('--plan asks for a ticket and --ticket uses one; give one of the two.')
  if (options.plan === true) return runCall({ name: dangerous.plan, input: planInput, fields }, invocation)
  if (options.ticket !== undefined) {
    refuseUnused(asked)
  } else if (!canAsk(invocation)) {
    throw usageError(`${dangerous.doing} needs a ticket where nobody can be asked.`, howToPlan(dangerous))
  }
  const confirmed = options.ticket === undefined ? await confirm(dangerous, asked, invocation) : {}
  const call = { name: dangerous.run, input: { ...runInput, ...confirmed }, fields, isWaiting }
  const answer = await printAnswer(call, invocation)
  dangerous.settle?.(answer)
}

/** A plan is asked for by a switch, or by a command of its own. */
function howToPlan({ plan }: DangerousCommand): string {
  const { mode, words } = SPELLINGS[plan]
  const how = mode === undefined ? `Plan with \`pilothouse ${words.join(' ')}\`` : `Add --${mode}`
  return `${how}, read it, then run with --ticket.`
}

/** A ticket is for what its plan named: words that only the plan takes would change nothing, unseen. */
function refuseUnused({ planInput, runInput }: Asked): void {
  const unused = Object.keys(planInput).filter((key) => !(key in runInput))
  if (unused.length > 0)
    throw usageError(
      `The ticket is for what its plan named; leave ${unused.join(', ').toUpperCase()} out with --ticket.`,
    )
}

function canAsk({ deps, output }: Invocation): boolean {
  return deps.io.stdin.isTTY && deps.io.stderr.isTTY && !output.isJson
}

async function confirm(dangerous: DangerousCommand, asked: Asked, invocation: Invocation): Promise<object> {
  const call = { name: dangerous.plan, input: asked.planInput }
  checkInput(call.name, call.input, asked.fields)
  const session = await invocation.connect()
  const planned = (await send(session, call, invocation)) as Planned
  invocation.output.note(renderAnswer(call.name, planned))
  const { needsName } = planned.plan
  const wanted = needsName ? nameIn(planned) : 'yes'
  const typed = await ask(`Type ${needsName ? dangerous.nameSays : 'yes'} to ${dangerous.verb}: `, invocation)
  if (typed !== wanted) throw usageError(`"${typed}" is not ${wanted}; nothing was ${dangerous.done}.`)
  return { ticket: planned.ticket.id, ...(needsName ? { confirmName: typed } : {}) }
}

function nameIn({ plan }: Planned): string {
  return 'hostName' in plan ? plan.hostName : plan.environmentName
}

async function ask(question: string, { deps }: Invocation): Promise<string> {
  const prompt = createInterface({ input: deps.io.stdin, output: deps.io.stderr })
  try {
    return (await prompt.question(question, { signal: deps.signal })).trim()
  } finally {
    prompt.close()
  }
}
