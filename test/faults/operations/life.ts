import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { runProgram } from '../../../host-daemon/system/child.ts'
import type { Environment } from '../../../src-shared/model/environment.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import { newCommandId, newRequestId, spawnInput } from '../../support/fake-driver-daemon.ts'
import type { KillOrder } from '../../support/kill-points.ts'
import { waitFor } from '../../support/wait-for.ts'
import { problemsOf } from './invariants.ts'
import type { Lane } from './lane.ts'
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

type Send = () => Promise<Operation>

const OPERATION_MS = 150_000
/** The daemon looks at its guests every half second here. */
const NOTICED_MS = 3_000
const POLL_MS = 50
const MARK = 'this-must-never-be-lost'
const context = () => ({ context: { requestId: newRequestId() } })

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
    const send = await this.command(order.kind)
    this.lane.order(order)
    const { accepted, settledMs: cameBackMs } = await this.submit(send)
    await waitFor(`${cellName(order)} or its end`, () => this.hitOrEnded(accepted), OPERATION_MS)
    this.lane.withdraw()
    // A kill that was on its way when the order was taken back still comes.
    await delay(POLL_MS)
    const isHit = this.lane.report() !== undefined
    const isDead = isHit && order.victim === 'daemon' && cameBackMs === null
    const settledMs = isDead ? await this.comeBack(accepted.id) : cameBackMs
    const ended = await this.waitForEnd(accepted.id)
    // A step may be over before a kill inside it comes; every other point is reached.
    const isMissed = !isHit && order.moment === 'inside'
    const problems = [
      ...(isHit || isMissed ? [] : ['the point was never reached']),
      ...(await this.judge(order.kind, ended)),
    ]
    if (isMissed && problems.length === 0) return
    this.report({ cell: cellName(order), killed: this.lane.report()?.killed.length ?? 0, settledMs, problems })
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

  /** A daemon that dies before its answer is out is asked again, by the same command. */
  private async submit(send: Send): Promise<{ accepted: Operation; settledMs: number | null }> {
    try {
      return { accepted: await send(), settledMs: null }
    } catch (error) {
      if (this.lane.report()?.victim !== 'daemon') throw error
      const settledMs = await this.comeBack(this.lane.report()?.operationId ?? '')
      return { accepted: await send(), settledMs }
    }
  }

  private hitOrEnded({ id }: Operation): 'hit' | 'ended' | undefined {
    if (this.lane.report() !== undefined) return 'hit'
    const status = this.lane.query<{ status: string }>('SELECT status FROM operations WHERE id = ?', id)[0]?.status
    if (status === undefined || status === 'running') return undefined
    // The very last thing that an operation does may be the one that it is hit at.
    return this.lane.report() === undefined ? 'ended' : 'hit'
  }

  /** Answers how long after the daemon was started again the claim was free or its operation had gone on. */
  private async comeBack(id: string): Promise<number> {
    const before = this.lastStep(id)
    await this.lane.gone()
    const startedAt = performance.now()
    await this.lane.start()
    await waitFor('the operation to go on', () => this.lastStep(id) !== before || !this.isRunning(id), 60_000)
    return performance.now() - startedAt
  }

  private lastStep(id: string): number {
    const sql = 'SELECT COALESCE(MAX(id), 0) AS last FROM operation_steps WHERE operation_id = ?'
    return this.lane.query<{ last: number }>(sql, id)[0]?.last ?? 0
  }

  private isRunning(id: string): boolean {
    const sql = "SELECT 1 FROM operations WHERE id = ? AND status = 'running'"
    return this.lane.query(sql, id).length > 0
  }

  private async waitForEnd(id: Operation['id']): Promise<Operation> {
    const ended = await this.lane.client.operations.wait({ id, timeoutMs: OPERATION_MS }, context())
    if (ended.status.kind === 'running') throw new Error(`${ended.kind} did not end: it is at ${ended.step}`)
    return ended
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
      const ended = await this.waitForEnd((await send()).id)
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
    const boot = environment.boot?.id ?? ''
    const sql = 'SELECT record FROM boots WHERE id = ?'
    const record = JSON.parse(this.lane.query<{ record: string }>(sql, boot)[0]?.record ?? '{}') as {
      journalPath: string
      handles: { consolePipe: string }
    }
    const said = `marked-${boot}`
    const line = `echo ${MARK} > /home/mark; sync; echo ${said.slice(0, 6)}"${said.slice(6)}"\n`
    await appendFile(`${record.handles.consolePipe}.in`, line)
    await waitFor('the mark to be written', async () =>
      (await readFile(record.journalPath, 'latin1')).includes(`\n${said}`),
    )
    this.markedHome = environment.home.id
  }

  private async readMark({ home }: Environment): Promise<string> {
    const image = join(this.lane.layout.homes, `${home.id}.img`)
    const { stdout } = await runProgram({ file: 'debugfs', args: ['-R', 'cat /mark', image], timeoutMs: 10_000 })
    return stdout.toString('utf8').trim()
  }
}
