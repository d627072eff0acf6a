import { afterEach, describe, expect, it } from 'vitest'
import { whileFrozen } from '../../../../host-daemon/drivers/qemu/point-in-time-freeze.ts'
import type { BootRecord } from '../../../../host-daemon/drivers/vm-driver.ts'
import { startLineServer, type LineServer } from '../../../support/line-server.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

/** An agent that answers by this table, after what it was asked; null: not at all. */
type Answers = Readonly<Record<string, string | null>>
const GOOD: Answers = {
  'guest-fsfreeze-status': '{"return": "thawed"}',
  'guest-fsfreeze-freeze': '{"return": 1}',
  'guest-fsfreeze-thaw': '{"return": 1}',
}

describe('whileFrozen', () => {
  let server: LineServer | undefined
  let asked: string[] = []
  afterEach(async () => {
    await server?.close()
    asked = []
  })

  async function run(answers: Answers, work: () => Promise<void>): Promise<number | null> {
    server = await startLineServer({
      onLine: (line, socket) => {
        const request = JSON.parse(line.replaceAll('\u00ff', '')) as { execute: string; arguments?: { id: number } }
        if (request.execute === 'guest-sync-delimited')
          socket.write(`\u00ff{"return": ${request.arguments?.id}}\n`, 'latin1')
        else {
          asked.push(request.execute.replace('guest-fsfreeze-', ''))
          const answer = answers[request.execute]
          if (typeof answer === 'string') socket.write(`${answer}\n`)
        }
      },
    })
    return await whileFrozen(recordOf(server.path), { random, clock }, async () => {
      asked.push('work')
      await work()
    })
  }

  it('measures by its own clock, and leaves nobody waiting for the time to pass', async () => {
    const work = (): Promise<void> => {
      clock.advance(1_234)
      return Promise.resolve()
    }
    expect(await run(GOOD, work)).toBe(1_234)
    expect(clock.sleeperCount).toBe(0)
    await server?.close()
    expect(await whileFrozen(recordOf('/nonexistent/agent'), { random, clock }, () => Promise.resolve())).toBeNull()
    expect(clock.sleeperCount).toBe(0)
  })

  it('works between freeze and thaw, and says for how long', async () => {
    expect(await run(GOOD, () => Promise.resolve())).toBeGreaterThanOrEqual(0)
    expect(asked).toEqual(['status', 'freeze', 'work', 'thaw'])
  })

  it('thaws first what someone else left frozen', async () => {
    await run({ ...GOOD, 'guest-fsfreeze-status': '{"return": "frozen"}' }, () => Promise.resolve())
    expect(asked).toEqual(['status', 'thaw', 'freeze', 'work', 'thaw'])
  })

  it('thaws where the work fails', async () => {
    const failure = new Error('it did not go well')
    await expect(run(GOOD, () => Promise.reject(failure))).rejects.toBe(failure)
    expect(asked.at(-1)).toBe('thaw')
  })

  it.each([
    ['refuses', { 'guest-fsfreeze-freeze': '{"error": {"class": "GenericError", "desc": "no"}}' }],
    ['freezes nothing', { 'guest-fsfreeze-freeze': '{"return": 0}' }],
    ['has thawed by itself meanwhile', { 'guest-fsfreeze-thaw': '{"return": 0}' }],
  ])('works all the same, thaws, and says that it was not held, where the guest %s', async (_name, answers) => {
    expect(await run({ ...GOOD, ...answers }, () => Promise.resolve())).toBeNull()
    expect(asked.slice(-2)).toEqual(['work', 'thaw'])
  })
})

const clock = new ManualClock()
const random = { hex: () => 'f000000000', fraction: () => 0.5 }

function recordOf(agentSocket: string): BootRecord {
  const handles = { bootDirectory: '/x', pidFile: '/x', qmpSocket: '/x', agentSocket, consolePipe: '/x' }
  return { journalPath: '/x', handles: { ...handles, outputFile: '/x', processName: 'x' } } as unknown as BootRecord
}
