import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { countsOfReport, sum, summaryLine } from '../../../scripts/test/counts.ts'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'counts-'))))
afterEach(() => rm(folder, { recursive: true }))

async function reportFile(report: object): Promise<string> {
  const path = join(folder, 'report.json')
  await writeFile(path, JSON.stringify(report))
  return path
}

const clean = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }

describe('what a run came to', () => {
  it('counts what the report says', async () => {
    const file = await reportFile({ ...clean, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 })
    expect(await countsOfReport(file, 1)).toEqual({ passed: 3, failed: 1, skipped: 3 })
  })

  it('counts a file that could not be loaded as a failure', async () => {
    const file = await reportFile({ ...clean, testResults: [{ status: 'failed', assertionResults: [] }] })
    expect((await countsOfReport(file, 1)).failed).toBe(1)
  })

  it('never takes a run that failed, or left no report, for one that passed', async () => {
    expect((await countsOfReport(await reportFile(clean), 1)).failed).toBe(1)
    expect((await countsOfReport(join(folder, 'absent.json'), 0)).failed).toBe(1)
  })
})

describe('the last line', () => {
  it('says passed and failed, and skipped only where something was', () => {
    expect(summaryLine({ passed: 2, failed: 0, skipped: 0 })).toBe('2 passed, 0 failed')
    expect(
      summaryLine(
        sum([
          { passed: 2, failed: 1, skipped: 0 },
          { passed: 1, failed: 0, skipped: 4 },
        ]),
      ),
    ).toBe('3 passed, 1 failed, 4 skipped')
  })
})
