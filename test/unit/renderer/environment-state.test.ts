import { describe, expect, it } from 'vitest'
import { EVIDENCE_BOUND_MS, environmentShown, seenAt } from '../../../src-renderer/lib/environment-state.ts'
import type { ObservedState } from '../../../src-shared/model/environment.ts'
import { bootIdOf, sampleEnvironment } from '../../support/fake-app-samples.ts'

const NOW = Date.UTC(2026, 10, 21, 9, 53)
const bootId = bootIdOf(1) as Extract<ObservedState, { kind: 'running' }>['bootId']
const running: ObservedState = { kind: 'running', since: NOW - 60_000, bootId, agent: 'answering' }

const seen = (observed: ObservedState, ageMs: number) =>
  sampleEnvironment(0, NOW, { observed, observedAt: NOW - ageMs })
const noEvidence = { confirmedAt: null, clockOffsetMs: 0 }

describe('what may be said of an environment', () => {
  it('is running up to the bound of its evidence, and unknown past it', () => {
    expect(environmentShown(seen(running, EVIDENCE_BOUND_MS), noEvidence, NOW).word).toBe('Running')
    const late = environmentShown(seen(running, EVIDENCE_BOUND_MS + 1), noEvidence, NOW)
    expect(late).toMatchObject({ word: 'Unknown', tone: 'warn' })
    expect(late.note).toMatch(/^since /)
  })

  it.each<ObservedState>([
    { kind: 'creating', since: NOW, phase: 'requested' },
    { kind: 'booting', since: NOW, phase: 'booting_guest', bootId, attempt: 1 },
    { kind: 'stopping', since: NOW, bootId },
  ])('is unknown past the bound while $kind, too', (observed) => {
    expect(environmentShown(seen(observed, 60_000), noEvidence, NOW).word).toBe('Unknown')
  })

  it('keeps saying that a guest is stopped or failed: nobody else can have changed that', () => {
    expect(environmentShown(seen({ kind: 'stopped', since: NOW }, 600_000), noEvidence, NOW).word).toBe('Stopped')
  })

  it("takes the host's confirmation as evidence", () => {
    const evidence = { confirmedAt: NOW - 2000, clockOffsetMs: 0 }
    expect(environmentShown(seen(running, 600_000), evidence, NOW).word).toBe('Running')
    expect(seenAt(seen(running, 600_000), evidence)).toBe(NOW - 2000)
  })

  it("takes a fast host's clock into account: its future is not fresher", () => {
    const evidence = { confirmedAt: null, clockOffsetMs: 120_000 }
    expect(environmentShown(seen(running, -60_000), evidence, NOW).word).toBe('Unknown')
    expect(environmentShown(seen(running, -119_000), evidence, NOW).word).toBe('Running')
  })

  it("is no fresher where the host's clock was set forward since the clocks were compared", () => {
    const evidence = { confirmedAt: NOW - EVIDENCE_BOUND_MS - 1, clockOffsetMs: 0 }
    for (const aheadMs of [0, 60_000, 3_600_000]) {
      expect(environmentShown(seen(running, -aheadMs), evidence, NOW).word).toBe('Unknown')
      expect(seenAt(seen(running, -aheadMs), evidence)).toBe(evidence.confirmedAt)
    }
  })

  it('is unknown where the clock here was set back behind the last word of the host, and says so', () => {
    const evidence = { confirmedAt: NOW, clockOffsetMs: 0 }
    const shown = environmentShown(seen(running, 0), evidence, NOW - 3_600_000)
    expect(shown.word).toBe('Unknown')
    expect(shown.sentence).toContain('was set back')
    expect(environmentShown(seen(running, 0), evidence, NOW - 1_000).word).toBe('Running')
  })

  it('says the reason of a failure in words, with its facts in the sentence', () => {
    const observed: ObservedState = {
      kind: 'failed',
      since: NOW,
      reason: 'agent_timeout',
      phase: 'ready',
      detail: 'It took 60 s.',
    }
    expect(environmentShown(seen(observed, 0), noEvidence, NOW)).toMatchObject({
      word: 'Failed',
      note: 'agent never answered',
      sentence: "The guest's agent did not answer in time. It took 60 s.",
    })
  })

  it('says that the agent is silent', () => {
    const silent = environmentShown(seen({ ...running, agent: 'silent' }, 0), noEvidence, NOW)
    expect(silent).toMatchObject({ word: 'Running', note: 'agent silent', tone: 'warn' })
  })
})
