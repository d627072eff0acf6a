import { describe, expect, it } from 'vitest'
import {
  actionBlock,
  ENVIRONMENT_ACTIONS,
  hostBlock,
  type ActionFacts,
} from '../../../src-renderer/lib/action-rules.ts'
import type { ObservedState } from '../../../src-shared/model/environment.ts'
import {
  bootIdOf,
  connected,
  failureWith,
  sampleEnvironment,
  sampleHost,
  sampleOperation,
} from '../../support/fake-app-samples.ts'

const NOW = 1_800_000_000_000
const bootId = bootIdOf(1) as Extract<ObservedState, { kind: 'running' }>['bootId']
const environment = sampleEnvironment(0, NOW, {
  observed: { kind: 'running', since: NOW, bootId, agent: 'answering' },
  isProtected: false,
})
const facts = (change: Partial<ActionFacts> = {}): ActionFacts => ({
  host: sampleHost(0),
  environment,
  inFlight: undefined,
  inFlightSince: 0,
  unanswered: undefined,
  now: NOW,
  ...change,
})

describe('why an action cannot be pressed', () => {
  it('can be pressed by whoever holds the role', () => {
    expect(actionBlock('stop', facts())).toBeNull()
    expect(actionBlock('destroy', facts())).toBeNull()
  })

  it('names the role that is needed and the one that is held', () => {
    const host = sampleHost(0, connected('viewer'))
    expect(actionBlock('stop', facts({ host }))).toBe('Needs the operator role; you are viewer on lon-1.')
    const operator = sampleHost(0, connected('operator'))
    expect(actionBlock('destroy', facts({ host: operator }))).toContain('Needs the admin role')
  })

  it('says why the host is away', () => {
    const failure = failureWith('host_unreachable', 'Nothing answered on port 22.')
    const host = sampleHost(0, { kind: 'retrying', since: 0, attempt: 1, nextAt: NOW, failure })
    expect(hostBlock(host, 'spawn', NOW)).toBe('lon-1 is not connected. Nothing answered on port 22.')
  })

  it('names the operation in flight: what, who, which step, how old', () => {
    const inFlight = sampleOperation(1, environment, { status: { kind: 'running' }, step: 'stop-guest', stepIndex: 1 })
    const block = actionBlock('start', facts({ inFlight, inFlightSince: NOW - 12_000 }))
    expect(block).toBe('Stop by otto (claimed op@desk-1) is running: stop guest · step 2 of 5, 12 s.')
  })

  it('says that an own command is still unanswered', () => {
    expect(actionBlock('start', facts({ unanswered: 'stop' }))).toContain('has not answered yet')
  })

  it('does not start what runs, stop what is stopped, or destroy what is protected', () => {
    expect(actionBlock('start', facts())).toBe('It is already running.')
    const stopped = sampleEnvironment(0, NOW, { observed: { kind: 'stopped', since: NOW } })
    expect(actionBlock('stop', facts({ environment: stopped }))).toBe('It is already stopped.')
    const kept = sampleEnvironment(0, NOW, { isProtected: true })
    expect(actionBlock('destroy', facts({ environment: kept }))).toContain('Deletion protection is on')
  })

  it('resizes only what is stopped, and reboots only what runs', () => {
    expect(actionBlock('resize', facts())).toBe('Only a stopped environment can be resized; it is running.')
    expect(actionBlock('reboot', facts())).toBeNull()
    const stopped = sampleEnvironment(0, NOW, { observed: { kind: 'stopped', since: NOW } })
    expect(actionBlock('resize', facts({ environment: stopped }))).toBeNull()
    expect(actionBlock('reboot', facts({ environment: stopped }))).toBe(
      'Only a guest that runs can be rebooted; it is stopped.',
    )
    expect(actionBlock('recover', facts({ environment: stopped }))).toBeNull()
  })

  it('lets nothing but destroy and protection near a malformed record', () => {
    const quarantined = sampleEnvironment(0, NOW, { quarantine: 'Its size is -1.', isProtected: false })
    const pressable = ENVIRONMENT_ACTIONS.filter(
      (each) => actionBlock(each, facts({ environment: quarantined })) === null,
    )
    expect(pressable.sort()).toEqual(['destroy', 'protection'])
  })

  it('lets name, labels and protection be changed while an operation runs, which need no claim', () => {
    const inFlight = sampleOperation(1, environment, { status: { kind: 'running' } })
    const busy = { ...environment, operationId: inFlight.id }
    const pressable = ENVIRONMENT_ACTIONS.filter(
      (each) => actionBlock(each, facts({ environment: busy, inFlight, unanswered: 'stop' })) === null,
    )
    expect(pressable.sort()).toEqual(['labels', 'protection', 'rename'])
  })

  it('says that something runs even before it is known what', () => {
    const held = { ...environment, operationId: sampleOperation(1, environment).id }
    expect(actionBlock('stop', facts({ environment: held }))).toContain('An operation is running on it')
  })

  it('takes the roles from the contract', () => {
    const operator = facts({ host: sampleHost(0, connected('operator')) })
    const barred = ENVIRONMENT_ACTIONS.filter((each) => actionBlock(each, operator)?.includes('admin role') === true)
    expect(barred.sort()).toEqual(['destroy', 'protection', 'reset'])
  })
})
