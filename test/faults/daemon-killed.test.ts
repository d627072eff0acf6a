import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectClient } from '../support/edge.ts'
import { newCommandId, newRequestId, spawnInput } from '../support/fake-driver-daemon.ts'
import { DISASTER_FILE, FakeMachine } from '../support/fake-machine.ts'

const ENTRY = join(import.meta.dirname, '../support/fake-driver-daemon.main.ts')
const ROUNDS = 15
const NAMES = ['a', 'b', 'c', 'd'] as const

type Client = Awaited<ReturnType<typeof connectClient>>['client']

describe('a daemon that is killed again and again', () => {
  let folder = ''
  let child: ChildProcess | undefined
  const context = () => ({ context: { requestId: newRequestId() } })

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ph-'))
  })
  afterEach(async () => {
    await kill()
    await rm(folder, { recursive: true, force: true })
  })

  const start = async () => {
    const started = spawn(process.execPath, [ENTRY, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    child = started
    const died = once(started, 'exit').then(() => Promise.reject(new Error('The daemon did not start')))
    await Promise.race([once(started.stdout, 'data'), died])
    died.catch(() => undefined)
    return connectClient(join(folder, 'run', 'admin.sock'))
  }
  const kill = async () => {
    if (child?.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
  const countOf = (outcome: string) => {
    const db = new Sqlite(join(folder, 'pilothoused.db'), { readonly: true })
    const row = db.prepare<[string], { n: number }>('SELECT COUNT(*) AS n FROM activity WHERE outcome = ?').get(outcome)
    db.close()
    return row?.n ?? 0
  }
  const pick = <T>(items: readonly T[]): T => items[Math.floor(Math.random() * items.length)] as T

  /** One thing that somebody might want, whether it makes sense now or not. */
  const act = async ({ environments, operations }: Client): Promise<unknown> => {
    const environment = pick(NAMES)
    const command = { commandId: newCommandId(), environment }
    switch (pick(['spawn', 'spawn', 'start', 'stop', 'destroy', 'cancel'] as const)) {
      case 'spawn':
        return environments.spawn(spawnInput(environment), context())
      case 'start':
        return environments.start(command, context())
      case 'stop':
        return environments.stop(command, context())
      case 'destroy': {
        const { ticket } = await environments.destroy.plan({ environment }, context())
        return environments.destroy.run({ ...command, ticket: ticket.id, confirmName: environment }, context())
      }
      case 'cancel': {
        const [running] = await operations.list({ isRunning: true, limit: 1 }, context())
        return running && operations.cancel({ id: running.id }, context())
      }
    }
  }

  it('ends every operation, keeps one guest a home, and leaves nothing that nobody owns', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const { client } = await start()
      const endsAt = Date.now() + 20 + Math.random() * 250
      while (Date.now() < endsAt) {
        void act(client).catch(() => undefined)
        await delay(Math.random() * 15)
      }
      await kill()
    }
    const { client } = await start()
    expect(countOf('resumed') + countOf('rolling_back')).toBeGreaterThan(3)
    const running = await client.operations.list({ isRunning: true, limit: 500 }, context())
    for (const { id } of running) {
      const ended = await client.operations.wait({ id, timeoutMs: 20_000 }, context())
      expect(ended.status.kind).not.toBe('running')
    }
    const all = await client.operations.list({ limit: 500 }, context())
    expect(all.length).toBeGreaterThan(ROUNDS)
    const { environments } = await client.environments.list({}, context())
    const machine = new FakeMachine(folder)
    expect(existsSync(join(folder, DISASTER_FILE))).toBe(false)
    expect(environments.filter(({ operationId }) => operationId !== null)).toEqual([])
    const alive = environments.filter(({ observed }) => observed.kind === 'running').map(({ boot }) => boot?.id)
    expect(machine.guests.ids().sort()).toEqual(alive.sort())
    const homes = new Set(environments.map(({ home }) => home.id as string))
    expect(machine.homes.ids().filter((id) => !homes.has(id))).toEqual([])
    const states = new Set(environments.map(({ observed }) => observed.kind))
    for (const fleeting of ['creating', 'booting', 'stopping', 'lost'] as const) expect(states).not.toContain(fleeting)
  })
})
