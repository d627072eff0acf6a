import { spawn } from 'node:child_process'
import { afterEach, expect, it, vi } from 'vitest'
import { untilLeftChildIsGone } from '../../../host-daemon/operations/left-child.ts'
import { SystemClock } from '../../../host-daemon/system/clock.ts'
import { identifyProcess } from '../../../host-daemon/system/processes.ts'
import type { OperationId } from '../../../src-shared/model/ids.ts'

const BOUNDS = { byItselfMs: 20, askedMs: 10_000, forcedMs: 10_000 }
const ended = new AbortController()
afterEach(() => vi.restoreAllMocks())

it('waits on for a child that may not be signalled, says so, and goes on once it is gone', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  try {
    const identity = await identifyProcess(child.pid!)
    const said: object[] = []
    const logger = { info: vi.fn(), warn: vi.fn(), error: (facts: object) => void said.push(facts) }
    vi.spyOn(process, 'kill').mockImplementationOnce(() => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' })
    })
    const common = { operationId: 'op-1' as OperationId, clock: new SystemClock(), bounds: BOUNDS }
    const options = { ...common, logger, signal: ended.signal }
    await untilLeftChildIsGone(identity!, options)
    expect(said).toMatchObject([{ operationId: 'op-1', child: identity, err: { code: 'EPERM' } }])
    expect(await identifyProcess(child.pid!)).toBeUndefined()
  } finally {
    child.kill('SIGKILL')
  }
})

it('leaves a child as it is, and asks no more of it, once the daemon ends', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  const stopping = new AbortController()
  try {
    const identity = await identifyProcess(child.pid!)
    const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() }
    const kill = vi.spyOn(process, 'kill')
    const bounds = { ...BOUNDS, byItselfMs: 60_000 }
    const clock = new SystemClock()
    const waiting = untilLeftChildIsGone(identity!, {
      operationId: 'op-1' as OperationId,
      clock,
      logger,
      signal: stopping.signal,
      bounds,
    })
    stopping.abort(new Error('The daemon is ending.'))
    await waiting
    expect(await identifyProcess(child.pid!)).toEqual(identity)
    expect(kill).not.toHaveBeenCalled()
    expect(logger.error).not.toHaveBeenCalled()
  } finally {
    child.kill('SIGKILL')
  }
})
