import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { runProgram } from '../../../host-daemon/system/child.ts'
import type { Environment } from '../../../src-shared/model/environment.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import { newCommandId, spawnInput } from '../../support/fake-driver-daemon.ts'
import type { KillOrder } from '../../support/kill-points.ts'
import { waitFor } from '../../support/wait-for.ts'
import { problemsOf } from './invariants.ts'
import { runAtPrompt } from '../lib/guest-line.ts'
import type { Lane } from '../lib/lane.ts'
import { context, strike, waitForEnd, type Send } from '../lib/strike.ts'
import { cellName, KINDS, type Kind, type Queue } from './matrix.ts'

/** One kill and what became of it. */
export interface Round {
  readonly cell: string
  /** Processes killed. */
  readonly killed: number
  /** From the start of the next daemon to a claim that is free or goes on; null where it was not killed. */
  readonly settledMs: number | null
  readonly problems: readonly string[]
}

/** The daemon looks at its guests every half second here. */
const NOTICED_MS = 3_000
const POLL_MS = 50
const MARK = 'this-must-never-be-lost'

/** One environment from spawn to destroy, hit once in each of its operations. */
export class Life {
  private readonly lane: Lane
  private readonly name: string
  private readonly report: (round: Round) => void
  /** The home that holds what must not be lost; null before it was written. */
  private markedHome: string | null = null

  constructor(lane: Lane, name: string, report: (round: Round) => void) {
    this.lane = lane
    this.name = name
    this.report = report
  }

  async live(queue: Queue): Promise<void> {
    for (const kind of KINDS) {
      await this.suffer(queue.next(kind))
      if (kind !== 'destroy') await this.standUp()
    }
  }

  private async suffer(order: KillOrder & { readonly kind: Kind }): Promise<void> {
    const { ended, settledMs, killed, isHit, isMissed } = await strike(this.lane, order, await this.command(order.kind))
    const problems = [
      ...(isHit || isMissed ? [] : ['the point was never reached']),
      ...(await this.judge(order.kind, ended)),
    ]
    if (isMissed && problems.length === 0) return
    this.report({ cell: cellName(order), killed, settledMs, problems })
  }

  /** Everything about a command but its sending, which may be repeated: it is the same command. */
  private async command(kind: Kind): Promise<Send> {
    const command = { commandId: newCommandId(), environment: this.name }
    switch (kind) {
      case 'spawn': {
        const input = { ...spawnInput(this.name), size: { memoryMiB: 128, homeMiB: 32 } }
        return () => this.lane.client.environments.spawn(input, context())
      }
      case 'recover':
        return () => this.lane.client.environments.recover(command, context())
      case 'reset':
      case 'destroy': {
        const { ticket } = await this.lane.client.environments[kind].plan({ environment: this.name }, context())
        const input = { ...command, ticket: ticket.id, confirmName: this.name }
        return () => this.lane.client.environments[kind].run(input, context())
      }
    }
  }

  private async judge(kind: Kind, ended: Operation): Promise<string[]> {
    const problems = await this.lastingProblems(ended.environmentId)
    const environment = await this.look()
    if (kind === 'destroy') return environment === undefined ? problems : [...problems, 'destroy left it there']
    if (environment === undefined) return [...problems, `${kind} lost the environment`]
    return [...problems, ...(await this.judgeHome(kind, { ended, environment }))]
  }

  /** What is still wrong once the daemon has had time to look at its guests: one may die right after its last check. */
  private async lastingProblems(environmentId: string): Promise<string[]> {
    const endsAt = performance.now() + NOTICED_MS
    let problems = await problemsOf(this.lane, environmentId)
    while (problems.length > 0 && performance.now() < endsAt) {
      await delay(POLL_MS)
      problems = await problemsOf(this.lane, environmentId)
    }
    return problems
  }

  /** The old home with what was in it or, after a reset that succeeded, a new one. */
  private async judgeHome(kind: Kind, { ended, environment }: { ended: Operation; environment: Environment }) {
    if (this.markedHome === null) return []
    const isNew = environment.home.id !== this.markedHome
    if (isNew && kind === 'reset' && ended.status.kind === 'succeeded') {
      this.markedHome = null
      return []
    }
    if (isNew) return [`${kind} (${ended.status.kind}) has put another home in place`]
    if (kind === 'reset' && ended.status.kind === 'succeeded') return ['a reset that succeeded has kept the old home']
    return (await this.readMark(environment)) === MARK ? [] : [`${kind} has lost what was in the home`]
  }

  private async look(): Promise<Environment | undefined> {
    const { environments } = await this.lane.client.environments.list({}, context())
    return environments.find(({ name }) => name === this.name)
  }

  /** Whatever the kill made of it, it can be brought back with its home; what is in that is marked. */
  private async standUp(): Promise<void> {
    const found = await this.settled()
    if (found.observed.kind !== 'running') {
      const send = await this.command('recover')
      const ended = await waitForEnd(this.lane, (await send()).id)
      if (ended.status.kind !== 'succeeded') {
        throw new Error(`${this.name} could not be recovered: ${JSON.stringify(ended.status)}`)
      }
    }
    if (this.markedHome === null) await this.mark(await this.settled())
  }

  /** What the reconciler says once it has looked. */
  private async settled(): Promise<Environment> {
    return waitFor('a settled state', async () => {
      const found = await this.look()
      const isSettled = found !== undefined && ['running', 'failed', 'lost', 'stopped'].includes(found.observed.kind)
      return isSettled && (await problemsOf(this.lane, found.id)).length === 0 ? found : undefined
    })
  }

  private async mark(environment: Environment): Promise<void> {
    await runAtPrompt(this.lane, environment, `echo ${MARK} > /home/mark; sync`)
    this.markedHome = environment.home.id
  }

  private async readMark({ home }: Environment): Promise<string> {
    const image = join(this.lane.layout.homes, `${home.id}.img`)
    const { stdout } = await runProgram({ file: 'debugfs', args: ['-R', 'cat /mark', image], timeoutMs: 10_000 })
    return stdout.toString('utf8').trim()
  }
}
