import { visibleWords } from '../../src-shared/lib/foreign-words.ts'
import {
  FAILURE_REASONS,
  PHASE_SENTENCES,
  type Environment,
  type FailureReason,
  type ObservedState,
  type Phase,
} from '../../src-shared/model/environment.ts'
import { momentText } from './format.ts'
import type { Shown } from './tone.ts'

/** Nothing that needs a live guest is shown as true on evidence older than this, milliseconds. */
export const EVIDENCE_BOUND_MS = 30_000

/** What is known of the age of what a host said. */
export interface HostEvidence {
  /** Console clock: when the host last confirmed its whole state; null when never. */
  readonly confirmedAt: number | null
  /** Host clock − console clock, milliseconds, as last measured. */
  readonly clockOffsetMs: number
}

/**
 * Console clock: the newest moment at which what a host says is known to have been true. The host's own time of it counts
 * only while the host was never heard: its clock may have been set since the clocks were compared.
 */
export function heardAt(observedAt: number, { confirmedAt, clockOffsetMs }: HostEvidence): number {
  return confirmedAt ?? observedAt - clockOffsetMs
}

/** Console clock: the newest moment at which this environment's state is known to have been true. */
export function seenAt(environment: Environment, evidence: HostEvidence): number {
  return heardAt(environment.observedAt, evidence)
}

/** Why evidence that is yet to come says nothing. */
export const CLOCK_SET_BACK = 'The clock here was set back since the host was last heard; how long ago is not known.'

/** Needs a live guest or a working daemon to stay true. */
function isFleeting(kind: ObservedState['kind']): boolean {
  return kind === 'running' || kind === 'creating' || kind === 'booting' || kind === 'stopping'
}

const SHORT_REASONS: Record<FailureReason, string> = {
  address_unavailable: 'no address',
  network_failed: 'network',
  image_unavailable: 'image missing',
  disk_failed: 'home not opened',
  hypervisor_failed: 'hypervisor did not start',
  guest_exited: 'guest ended by itself',
  agent_timeout: 'agent never answered',
  service_timeout: 'service not ready in time',
  service_failed: 'service failed',
  cleanup_failed: 'clean-up failed',
  interrupted: 'interrupted',
}

export const PHASE_WORDS: Record<Phase, string> = {
  requested: 'Requested',
  provisioning_vm: 'Provisioning',
  booting_guest: 'Booting',
  waiting_for_service_ready: 'Waiting for service',
  ready: 'Ready',
}

const shown = (word: string, look: Omit<Shown, 'word' | 'note'> & { note?: string }): Shown => ({
  word,
  note: '',
  ...look,
})

function startingShown(phase: Phase): Shown {
  const sentence = PHASE_SENTENCES[phase]
  return shown(PHASE_WORDS[phase], { tone: 'busy', icon: 'i-lucide-loader', sentence })
}

/** The state as the daemon told it, whatever its age. */
export function observedShown(observed: ObservedState, now: number): Shown {
  switch (observed.kind) {
    case 'creating':
    case 'booting':
      return startingShown(observed.phase)
    case 'running':
      return observed.agent === 'answering'
        ? shown('Running', { tone: 'ok', icon: 'i-lucide-circle-play', sentence: 'The guest is running.' })
        : shown('Running', {
            tone: 'warn',
            icon: 'i-lucide-circle-play',
            note: 'agent silent',
            sentence: 'The guest is running, but its agent does not answer.',
          })
    case 'stopping':
      return shown('Stopping', { tone: 'busy', icon: 'i-lucide-loader', sentence: 'The guest is being stopped.' })
    case 'stopped':
      return shown('Stopped', {
        tone: 'idle',
        icon: 'i-lucide-circle-stop',
        sentence: 'The guest is stopped; its home is kept.',
      })
    case 'failed':
      return shown('Failed', {
        tone: 'bad',
        icon: 'i-lucide-triangle-alert',
        note: SHORT_REASONS[observed.reason],
        sentence: `${FAILURE_REASONS[observed.reason]} ${visibleWords(observed.detail)}`.trim(),
      })
    case 'lost':
      return shown('Lost', {
        tone: 'bad',
        icon: 'i-lucide-unplug',
        note: 'guest is gone',
        sentence: `The guest is gone, and nobody stopped it. ${visibleWords(observed.detail)}`.trim(),
      })
    case 'unknown':
      return unknownShown(observed.since, now, visibleWords(observed.detail))
  }
}

function unknownShown(since: number, now: number, sentence: string): Shown {
  return shown('Unknown', {
    tone: 'warn',
    icon: 'i-lucide-circle-help',
    note: `since ${momentText(since, now)}`,
    sentence,
  })
}

/** What may be said of an environment now: the observed state, or unknown once its evidence is too old. */
export function environmentShown(environment: Environment, evidence: HostEvidence, now: number): Shown {
  const { observed } = environment
  const at = seenAt(environment, evidence)
  // Of this machine's own clock nobody knows when it is set: what is yet to come is no evidence either.
  if (isFleeting(observed.kind) && Math.abs(now - at) > EVIDENCE_BOUND_MS) {
    const was = observedShown(observed, now).word.toLowerCase()
    if (at > now) return unknownShown(now, now, `It was ${was}. ${CLOCK_SET_BACK}`)
    return unknownShown(at, now, `It was ${was} when the host was last heard; nothing newer is known.`)
  }
  return observedShown(observed, now)
}
