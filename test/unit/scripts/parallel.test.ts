import { describe, expect, it } from 'vitest'
import { inParallel } from '../../../scripts/lib/parallel.ts'

describe('inParallel', () => {
  it('keeps the order of the tasks and never runs more than the width at once', async () => {
    let [running, most] = [0, 0]
    const task = (value: number) => async () => {
      most = Math.max(most, ++running)
      await Promise.resolve()
      running--
      return value
    }
    expect(await inParallel([1, 2, 3, 4, 5].map(task), 2)).toEqual([1, 2, 3, 4, 5])
    expect(most).toBe(2)
  })

  it('rejects with the first failure', async () => {
    const failing = async (): Promise<void> => Promise.reject(new Error('second'))
    await expect(inParallel([() => Promise.resolve(), failing], 1)).rejects.toThrow('second')
  })
})
