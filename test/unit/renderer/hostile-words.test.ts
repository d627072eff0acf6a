import { expect, it } from 'vitest'
import { resultLines as linesInCli } from '../../../src-main/shell/cli/render/operation-result.ts'
import { factText } from '../../../src-renderer/lib/activity-words.ts'
import { observedShown } from '../../../src-renderer/lib/environment-state.ts'
import { resultLines } from '../../../src-renderer/lib/result-words.ts'
import { remainingFacts } from '../../../src-renderer/ui/activity/detail-facts.ts'
import type { OperationResult } from '../../../src-shared/model/operation-result.ts'
import { CHAIN_START, type ActivityEntry } from '../../../src-shared/model/activity.ts'

const SAID = 'It said: \u001b[2J\u202e"C:\\\\temp"\nall is well'
const SHOWN = String.raw`It said: \u{1b}[2J\u{202e}"C:\\temp"\nall is well`
const pointId = 'a'.repeat(64)
const RESULTS = [
  {
    kind: 'drill',
    pointId,
    isPassed: false,
    checks: [{ name: 'entries', isPassed: false, detail: SAID }],
    promotedTo: null,
  },
  { kind: 'check', depth: 'all', isSound: false, findings: [SAID] },
  { kind: 'restore', pointId, homeId: 'home-0000000000000001', verified: [SAID], undo: null },
  { kind: 'clone', pointId, sourceId: 'env-00000001', removedIdentity: [], verified: [SAID] },
] as unknown as OperationResult[]

it.each(RESULTS)('what a guest or an engine said is shown, and does nothing: $kind', (result) => {
  for (const lines of [resultLines(result, 0), linesInCli(result)]) {
    expect(lines.join(' ')).toContain(SHOWN)
    expect(lines.join(' ')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  }
})

it('so are the facts of the record, a plan line by line', () => {
  const detail = { text: `one\n${SAID}`, items: [SAID] }
  const nobody = { actor: null, requestId: null, operationId: null, environmentId: null, environmentName: null }
  const entry: ActivityEntry = {
    ...nobody,
    seq: 1,
    at: 1,
    action: 'drill',
    outcome: 'failed',
    detail,
    hash: CHAIN_START.hash,
  }
  expect(factText(detail, 'text')).toBe(`one\n${SHOWN.replace(String.raw`\n`, '\n')}`)
  const values = remainingFacts(entry).map(({ value }) => value)
  expect(values).toHaveLength(1)
  expect(values.join(' ')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
})

it('so is the state of an environment', () => {
  const failed = {
    kind: 'failed',
    since: 1,
    reason: 'hypervisor_failed',
    phase: 'booting_guest',
    detail: SAID,
  } as const
  expect(observedShown(failed, 2).sentence).toContain(SHOWN)
  expect(observedShown({ kind: 'lost', since: 1, detail: SAID }, 2).sentence).toContain(SHOWN)
})
