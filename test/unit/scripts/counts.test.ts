import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { resultOfReport, sum, summaryLine } from '../../../scripts/test/counts.ts'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'counts-'))))
afterEach(() => rm(folder, { recursive: true }))

async function reportFile(report: object): Promise<string> {
  const path = join(folder, 'report.json')
  await writeFile(path, JSON.stringify(report))
  return path
}

const clean = { numPassedTests: 3, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] }

const counts = async (report: object, exitCode = 1) => (await resultOfReport(await reportFile(report), exitCode)).counts

describe('what a run came to', () => {
  it('counts what the report says', async () => {
    const report = { ...clean, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 }
    expect(await counts(report)).toEqual({ passed: 3, failed: 1, skipped: 3 })
  })

  it('counts a file that could not be loaded as a failure', async () => {
    const unloaded = { name: join(process.cwd(), 'a.test.ts'), status: 'failed', message: 'no b', assertionResults: [] }
    const report = { ...clean, testResults: [unloaded] }
    expect((await counts(report)).failed).toBe(1)
    expect((await resultOfReport(await reportFile(report), 1)).failures).toEqual([
      'a.test.ts: could not be run whole\n    no b',
    ])
  })

  it('never takes a run that failed, or left no report, for one that passed', async () => {
    expect((await counts(clean)).failed).toBe(1)
    expect((await resultOfReport(join(folder, 'absent.json'), 0)).counts.failed).toBe(1)
  })

  it('names each failed test, with what it said and without its stack', async () => {
    const failed = {
      status: 'failed',
      fullName: 'a home is kept',
      failureMessages: ['\u001b[31mError: it went\u001b[39m\n\n    at keep (a.ts:1:2)'],
    }
    const passed = { status: 'passed', fullName: 'a home is read', failureMessages: [] }
    const file = { name: join(process.cwd(), 'b.test.ts'), status: 'failed', assertionResults: [passed, failed] }
    const report = { ...clean, numFailedTests: 1, testResults: [file] }
    expect(await resultOfReport(await reportFile(report), 1)).toEqual({
      counts: { passed: 3, failed: 1, skipped: 0 },
      failures: ['b.test.ts: a home is kept\n    Error: it went'],
    })
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
