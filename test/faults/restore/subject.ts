import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Environment } from '../../../src-shared/model/environment.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import { newCommandId, spawnInput } from '../../support/fake-driver-daemon.ts'
import type { seededRandom } from '../../support/seeded-random.ts'
import { waitFor } from '../../support/wait-for.ts'
import { runAtPrompt } from '../lib/guest-line.ts'
import type { Lane } from '../lib/lane.ts'
import { context, waitForEnd, type Send } from '../lib/strike.ts'
import { leftoversOf } from './leftovers.ts'
import { fingerprintOf, makeTree, putTree, readTree } from '../../support/known-trees.ts'

/** The daemon looks at its guests every half second here; locks and mounts of the killed go within seconds. */
const NOTICED_MS = 15_000
const POLL_MS = 100
const SIZE = { memoryMiB: 128, homeMiB: 32 }

/** A tree that a home may hold, by the lines that say everything of it. */
export interface KnownTree {
  readonly name: string
  readonly text: string
}

/** One environment with a guest, of whose home every byte is known. */
export class Subject {
  readonly lane: Lane
  readonly name: string
  readonly trees: KnownTree[] = []

  constructor(lane: Lane, name: string) {
    this.lane = lane
    this.name = name
  }

  async spawn(): Promise<void> {
    await this.ended(await this.lane.client.environments.spawn({ ...spawnInput(this.name), size: SIZE }, context()))
  }

  /** Stops the guest, replaces its home's content, starts it again. */
  async hold(name: string, random: ReturnType<typeof seededRandom>): Promise<void> {
    await this.ended(await this.lane.client.environments.stop(this.command(), context()))
    const root = await makeTree(random)
    try {
      await putTree(await this.image(), root)
      this.trees.push({ name, text: (await fingerprintOf(root)).join('\n') })
    } finally {
      await rm(root, { recursive: true, force: true })
    }
    await this.ended(await this.lane.client.environments.start(this.command(), context()))
  }

  async backUp(): Promise<Operation> {
    return await this.ended(await this.lane.client.backups.now(this.command(), context()))
  }

  /** The command, planned and confirmed; to be sent as often as it takes. */
  async prepared(kind: 'restore' | 'undo_restore' | 'backup'): Promise<Send> {
    const command = this.command()
    const { client } = this.lane
    if (kind === 'backup') return () => this.lane.client.backups.now(command, context())
    const environment = this.name
    const planned =
      kind === 'restore'
        ? await client.restore.plan({ environment, point: 'latest' }, context())
        : await client.undo.plan({ environment }, context())
    const input = { ...command, ticket: planned.ticket.id, confirmName: this.name }
    const call = () => (kind === 'restore' ? this.lane.client.restore : this.lane.client.undo)
    return () => call().run(input, context())
  }

  /** Which of the known trees the home holds, byte for byte; undefined for anything else. */
  async holds(): Promise<string | undefined> {
    const text = (await readTree(await this.image())).join('\n')
    return this.trees.find((tree) => tree.text === text)?.name
  }

  /** Whatever a kill made of it, it is brought back with its home. */
  async standUp(): Promise<void> {
    const found = await this.settled()
    if (found.observed.kind === 'running') return
    const { environments } = this.lane.client
    await this.ended(await environments.recover(this.command(), context()))
  }

  /** Resolves once the guest has written to its home and taken it back: it is not held still. */
  async write(): Promise<void> {
    await runAtPrompt(this.lane, await this.look(), 'echo x > /home/.written && sync && rm /home/.written && sync')
  }

  /** What is still wrong once the daemon has had time to look. */
  async lastingProblems(): Promise<string[]> {
    const { id } = await this.look()
    const endsAt = performance.now() + NOTICED_MS
    let problems = await leftoversOf(this.lane, id)
    while (problems.length > 0 && performance.now() < endsAt) {
      await delay(POLL_MS)
      problems = await leftoversOf(this.lane, id)
    }
    return problems
  }

  async look(): Promise<Environment> {
    const { environments } = await this.lane.client.environments.list({}, context())
    const found = environments.find(({ name }) => name === this.name)
    if (found === undefined) throw new Error(`${this.name} is lost`)
    return found
  }

  private settled(): Promise<Environment> {
    return waitFor('a settled state', async () => {
      const found = await this.look()
      const isSettled = ['running', 'failed', 'lost', 'stopped'].includes(found.observed.kind)
      return isSettled && (await leftoversOf(this.lane, found.id)).length === 0 ? found : undefined
    })
  }

  private async image(): Promise<string> {
    return join(this.lane.layout.homes, `${(await this.look()).home.id}.img`)
  }

  private command() {
    return { commandId: newCommandId(), environment: this.name }
  }

  private async ended({ id }: Operation): Promise<Operation> {
    const ended = await waitForEnd(this.lane, id)
    if (ended.status.kind === 'succeeded') return ended
    throw new Error(`${ended.kind} of ${this.name} ended ${JSON.stringify(ended.status)}`)
  }
}
