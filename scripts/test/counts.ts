import { readFile } from 'node:fs/promises'
import { relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

export const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 }

export function sum(all: readonly Counts[]): Counts {
  return all.reduce(
    (total, each) => ({
      passed: total.passed + each.passed,
      failed: total.failed + each.failed,
      skipped: total.skipped + each.skipped,
    }),
    NOTHING,
  )
}

/** `N passed, N failed`, and the skipped ones where there are any. */
export function summaryLine(counts: Counts): string {
  const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`
}

interface JsonReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly FileResult[]
}

interface FileResult {
  /** The file's path. */
  readonly name: string
  readonly status: string
  /** Why it could not be loaded; empty where it could. */
  readonly message?: string
  readonly assertionResults: readonly {
    readonly status: string
    readonly fullName: string
    readonly failureMessages?: readonly string[] | null
  }[]
}

/** What a stage came to: its counts, and each failure in a line or two, so that the end of a log says what to look at. */
export interface StageResult {
  readonly counts: Counts
  readonly failures: readonly string[]
}

/**
 * What a vitest run came to. A file that could not even be loaded is one failure; so is a run that failed for another
 * reason, or left no report: no failure is ever counted as nothing.
 */
export async function resultOfReport(reportFile: string, exitCode: number): Promise<StageResult> {
  const text = await readFile(reportFile, 'utf8').catch(() => undefined)
  if (text === undefined) return { counts: { ...NOTHING, failed: 1 }, failures: ['it left no report'] }
  const report = JSON.parse(text) as JsonReport
  const named = report.testResults.flatMap(failuresOfFile)
  const failures = named.length === 0 && exitCode !== 0 ? [`it ended with ${exitCode}`] : named
  return {
    counts: {
      passed: report.numPassedTests,
      failed: Math.max(report.numFailedTests, failures.length),
      skipped: report.numPendingTests + report.numTodoTests,
    },
    failures,
  }
}

function failuresOfFile(file: FileResult): string[] {
  const path = relative(process.cwd(), file.name)
  const failed = file.assertionResults.filter((result) => result.status === 'failed')
  if (failed.length > 0) {
    return failed.map((result) => `${path}: ${result.fullName}${firstLines(result.failureMessages?.[0])}`)
  }
  return file.status === 'failed' ? [`${path}: could not be run whole${firstLines(file.message)}`] : []
}

/** The message without its stack and without colours, cut to what fits in a few lines. */
function firstLines(message: string | undefined): string {
  const lines = stripVTControlCharacters(message ?? '').split('\n')
  const said = lines.filter((line) => line.trim() !== '' && !/^\s+at /.test(line)).slice(0, 4)
  return said.map((line) => `\n    ${line.slice(0, 300)}`).join('')
}
