import type { Host, HostConnection } from '../../src-shared/model/host.ts'
import type { Accelerator } from '../../src-shared/model/daemon.ts'
import { spanText } from './format.ts'
import type { Shown } from './tone.ts'

type StepOf = Extract<HostConnection, { kind: 'connecting' }>['step']

const STEP_SENTENCES: Record<StepOf, string> = {
  reaching: 'Reaching the host over SSH.',
  authenticating: 'Logging in.',
  finding_daemon: 'Looking for pilothoused on the host.',
  greeting: 'Greeting the daemon.',
}

function retryNote(nextAt: number, now: number): string {
  return nextAt <= now ? 'retrying' : `retry ${spanText(nextAt - now + 999)}`
}

/** A host's connection in icon, word, colour and one sentence. */
export function hostShown(connection: HostConnection, now: number): Shown {
  switch (connection.kind) {
    case 'disconnected':
      return {
        word: 'Off',
        note: '',
        tone: 'idle',
        icon: 'i-lucide-circle-off',
        sentence: 'Not connected; nothing is tried until you connect.',
      }
    case 'connecting':
      return {
        word: 'Connecting',
        note: '',
        tone: 'busy',
        icon: 'i-lucide-loader',
        sentence: STEP_SENTENCES[connection.step],
      }
    case 'awaiting_trust':
      return {
        word: 'Check key',
        note: '',
        tone: 'warn',
        icon: 'i-lucide-key-round',
        sentence: 'First contact: compare its key before anything else happens.',
      }
    case 'connected':
      return {
        word: 'Live',
        note: '',
        tone: 'ok',
        icon: 'i-lucide-circle-check',
        sentence: `Connected as ${connection.daemon.user}, ${connection.daemon.role}.`,
      }
    case 'retrying':
      return {
        word: 'Unreachable',
        note: retryNote(connection.nextAt, now),
        tone: 'warn',
        icon: 'i-lucide-refresh-cw-off',
        sentence: connection.failure.message,
      }
    case 'refused':
      return {
        word: 'Refused',
        note: '',
        tone: 'bad',
        icon: 'i-lucide-octagon-x',
        sentence: connection.failure.message,
      }
  }
}

const ACCELERATOR_WORDS: Record<Accelerator['kind'], string> = {
  kvm: 'KVM',
  tcg: 'TCG',
  none: 'no accelerator',
}

/** The accelerator of the host's first usable driver, in words, with the reason; null while not connected. */
export function acceleratorOf(host: Host | undefined): { word: string; reason: string } | null {
  if (host?.connection.kind !== 'connected') return null
  const { drivers } = host.connection.daemon
  const driver = drivers.find((each) => each.unavailableReason === null) ?? drivers[0]
  if (driver === undefined) return null
  return {
    word: ACCELERATOR_WORDS[driver.accelerator.kind],
    reason: driver.unavailableReason ?? driver.accelerator.reason,
  }
}
