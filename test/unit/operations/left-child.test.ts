import { spawn } from 'node:child_process'
import { afterEach, expect, it, vi } from 'vitest'
import { untilLeftChildIsGone } from '../../../host-daemon/operations/left-child.ts'
import { SystemClock } from '../../../host-daemon/system/clock.ts'
import { identifyProcess } from '../../../host-daemon/system/processes.ts'
import type { OperationId } from '../../../src-shared/model/ids.ts'

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
    const options = { operationId: 'op-1' as OperationId, clock: new SystemClock(), logger, signal: ended.signal }
    await untilLeftChildIsGone(identity!, options)
    expect(said).toMatchObject([{ operationId: 'op-1', child: identity, err: { code: 'EPERM' } }])
    expect(await identifyProcess(child.pid!)).toBeUndefined()
  } finally {
    child.kill('SIGKILL')
  }
})
