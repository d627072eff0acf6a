import { describe, expect, it } from 'vitest'
import { askedOf, queryFrom, toAddress } from '../../../src-renderer/features/activity/activity-query.ts'
import { activitySentence, outcomeShown, whoText } from '../../../src-renderer/lib/activity-words.ts'
import { remainingFacts } from '../../../src-renderer/ui/activity/detail-facts.ts'
import { hasWords, hostsToReadOn, mergeActivity } from '../../../src-renderer/ui/activity/merge-activity.ts'
import { moveTo } from '../../../src-renderer/ui/row-keys.ts'
import { activityEntrySchema, type ActivityEntry } from '../../../src-shared/model/activity.ts'
import type { HostId } from '../../../src-shared/model/ids.ts'

const A = 'host-00000001' as HostId
const B = 'host-00000002' as HostId

function entry(more: Record<string, unknown> = {}): ActivityEntry {
  return activityEntrySchema.parse({
    seq: 1,
    at: 1000,
    actor: { user: 'ada', uid: 2001, role: 'admin', claimedActor: 'op@desk-1' },
    requestId: 'req-00000000000000aa',
    operationId: null,
    environmentId: 'env-0a1b2c3d',
    environmentName: 'billing-worker',
    action: 'reset',
    outcome: 'succeeded',
    detail: {},
    hash: 'a'.repeat(64),
    ...more,
  })
}
const says = (more: Record<string, unknown>) => activitySentence(entry(more))

describe('the record in words', () => {
  it('says what an operation did, in its own words', () => {
    expect(says({})).toBe('Reset of billing-worker: the old home was destroyed and it started fresh.')
    expect(says({ outcome: 'accepted' })).toBe('Reset of billing-worker was accepted.')
    const failed = { outcome: 'failed', detail: { code: 'engine_failed', message: 'The disk is full.' } }
    expect(says(failed)).toBe('Reset of billing-worker failed: The disk is full.')
    const resumed = { outcome: 'resumed', actor: null, detail: { step: 'make-home' } }
    expect(says(resumed)).toContain('interrupted at “make home”, and goes on')
  })

  it('says aloud that an undoing failed, or was given up', () => {
    const stuck = { action: 'restore', outcome: 'rollback_failed', detail: { message: 'No agent.' } }
    expect(says(stuck)).toBe('Restore of billing-worker failed, and so did its undoing: No agent.')
    const over = { action: 'restore', outcome: 'given_up', actor: null, detail: { step: 'commit' } }
    expect(says(over)).toBe(
      'Restore of billing-worker: the daemon was interrupted too often at “commit”; nothing is undone.',
    )
    for (const told of [stuck, over]) expect(outcomeShown(entry(told)).tone).toBe('bad')
  })

  it('says that a recovery stopped because the home is gone, not that it failed', () => {
    const gone = { action: 'recover', outcome: 'failed', detail: { code: 'home_gone', message: 'No home.' } }
    expect(says({ action: 'recover', outcome: 'stopped_home_gone' })).toBe(says(gone))
    expect(says(gone)).toBe('Recover of billing-worker stopped because its home is gone. Nothing was started fresh.')
  })

  it('says what became of backups', () => {
    expect(says({ action: 'backup' })).toBe('Backup of billing-worker: there is a new recovery point.')
    expect(says({ action: 'drill', outcome: 'disproved' })).toContain('did not pass; do not rely on it.')
    const detail = { from: 'not_provisioned', sentence: 'There is no recovery point yet.' }
    expect(says({ action: 'backup.freshness', outcome: 'missing', detail })).toBe(
      'The freshness of the backups of billing-worker went from not provisioned to missing: There is no recovery point yet.',
    )
    const adopt = { action: 'backup.adopt', detail: { taken: 7, message: 'Nobody is there.' } }
    expect(says({ ...adopt, outcome: 'succeeded' })).toContain('on record: 7 taken.')
    expect(says({ ...adopt, outcome: 'failed' })).toContain('failed: Nobody is there')
    expect(says({ ...adopt, outcome: 'requested' })).toContain('was asked for')
    expect(says({ action: 'point.adopted', outcome: 'succeeded' })).toContain('taken on record from its repository')
    expect(says({ action: 'point.forgotten', outcome: 'noticed' })).toContain('no longer in the repository')
  })

  it('says what is no operation, too', () => {
    expect(says({ action: 'reset.plan', outcome: 'planned' })).toContain('A plan to reset billing-worker was made')
    const owner = { environmentId: null, environmentName: null, action: 'owner.put' }
    const set = { name: 'acme', isActive: true, limit: 'unlimited' }
    expect(says({ ...owner, detail: set })).toBe('Owner acme was set: active, any number of environments.')
    const taken = { action: 'console.typing', outcome: 'taken_over', detail: { from: { user: 'otto' } } }
    expect(says(taken)).toBe('The keyboard of billing-worker was taken over from otto.')
    const renamed = { action: 'environment.rename', detail: { from: 'old', to: 'new' } }
    expect(says(renamed)).toBe('old was renamed to new.')
    const nobody = { environmentId: null, environmentName: null }
    const kept = {
      action: 'drift.clean_up',
      outcome: 'failed',
      detail: { item: 'home:home-1', problem: 'It is busy.' },
    }
    expect(says({ ...nobody, ...kept })).toBe('The leftover home:home-1 was kept: It is busy.')
    const unmade = { action: 'spawn', outcome: 'refused', detail: { name: 'web', message: 'Its owner is full.' } }
    expect(says({ ...nobody, ...unmade })).toBe('Spawn of web was refused: Its owner is full.')
    expect(says({ action: 'give_way', detail: { kind: 'destroy' } })).toContain('gave way to destroy')
  })

  it('never passes a refusal off as a deed', () => {
    const refused = { action: 'owner.put', outcome: 'refused', detail: { name: 'acme', message: 'No.' } }
    expect(says(refused)).toContain('refused')
    expect(outcomeShown(entry(refused))).toMatchObject({ word: 'Refused', tone: 'warn' })
  })

  it('says plainly what it has no words for', () => {
    const odd = { action: 'moon.phase-changed', outcome: 'half_full' }
    expect(says(odd)).toBe('Moon phase changed of billing-worker: half full.')
    expect(outcomeShown(entry(odd))).toMatchObject({ word: 'Half full', tone: 'idle' })
  })

  it('names who did it: user, then what the client claimed, or the daemon', () => {
    expect(whoText(entry())).toBe('ada (claimed op@desk-1)')
    expect(whoText(entry({ actor: null }))).toBe('the daemon')
  })

  it('gives every other fact a name and its value', () => {
    const detail = { text: 'plan', reason: 'x', planHash: 'abc', isProtected: true }
    expect(remainingFacts(entry({ detail }))).toEqual([
      { name: 'Plan hash', value: 'abc' },
      { name: 'Is protected', value: 'true' },
    ])
  })
})

describe('several hosts’ records as one', () => {
  const at = (seq: number, when: number) => entry({ seq, at: when })
  const none = () => 0

  it('is newest first, each host on its own clock', () => {
    const parts = [
      { hostId: A, entries: [at(2, 3000), at(1, 1000)], hasMore: false },
      { hostId: B, entries: [at(7, 12_000)], hasMore: false },
    ]
    const lines = mergeActivity(parts, (hostId) => (hostId === B ? 10_000 : 0))
    expect(lines.map(({ key }) => key)).toEqual([`${A}/2`, `${B}/7`, `${A}/1`])
  })

  it('holds back what is older than a host’s oldest read entry, and reads that host on', () => {
    const parts = [
      { hostId: A, entries: [at(9, 9000), at(8, 5000)], hasMore: true },
      { hostId: B, entries: [at(3, 7000), at(2, 4000), at(1, 1000)], hasMore: false },
    ]
    expect(mergeActivity(parts, none).map(({ at: when }) => when)).toEqual([9000, 7000, 5000])
    expect(hostsToReadOn(parts, none)).toEqual([A])
  })

  it('finds words in the sentence, the ids and the host', () => {
    const line = { key: 'x', hostId: A, entry: entry(), at: 0 }
    expect(hasWords(line, ['destroyed', 'lon-1', 'req-00000000000000aa'], 'lon-1')).toBe(true)
    expect(hasWords(line, ['destroyed', 'fra-1'], 'lon-1')).toBe(false)
  })

  it('moves by keyboard without leaving the list', () => {
    expect(moveTo('ArrowDown', -1, 3)).toBe(0)
    expect(moveTo('End', 0, 3)).toBe(2)
    expect(moveTo('PageDown', 1, 3)).toBe(2)
    expect(moveTo('ArrowUp', 0, 3)).toBe(0)
    expect(moveTo('a', 0, 3)).toBeNull()
    expect(moveTo('Home', -1, 0)).toBeNull()
  })
})

describe('what is asked of the record', () => {
  const query = (more: Record<string, string>) => askedOf(queryFrom(more))

  it('asks the hosts for whole ids, and looks for other words here', () => {
    const asked = query({ text: 'Failed req-00000000000000aa', user: ' ada ', action: 'reset' })
    expect(asked.filter).toEqual({ request: 'req-00000000000000aa', user: 'ada', action: 'reset' })
    expect(asked.words).toEqual(['failed'])
    expect(query({ text: 'env-0a1b2c3d' }).filter).toEqual({ environment: 'env-0a1b2c3d' })
  })

  it('never sends what is no environment, and says so', () => {
    const asked = query({ environment: '../etc' })
    expect(asked.filter).toEqual({})
    expect(asked.environmentProblem).not.toBeNull()
  })

  it('keeps the question in the address', () => {
    const there = { host: A, text: 'x', outcome: 'failed' }
    expect(toAddress(queryFrom(there))).toEqual(there)
  })
})
