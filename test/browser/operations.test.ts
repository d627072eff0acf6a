import { describe, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import type { Operation, StepEntry } from '../../src-shared/model/operation.ts'
import { FakeApp } from '../support/fake-app.ts'
import { sampleFleet } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const LON = 'host-00000001' as HostId
const STEP: StepEntry = {
  direction: 'forward',
  step: 'make-home',
  stepIndex: 0,
  attempt: null,
  startedAt: 1000,
  endedAt: 1840,
  outcome: 'done',
  detail: null,
}
const open = (kind: string) =>
  page
    .getByRole('button', { name: new RegExp(`^Steps of ${kind}`) })
    .first()
    .click()
const outcomes = () =>
  [...document.querySelectorAll<HTMLElement>('[data-testid=journal-step]')].map((row) => row.dataset['outcome'])

function withReset(status: Operation['status']): { fake: FakeApp; operation: Operation } {
  const fake = new FakeApp(sampleFleet(8))
  const first = fake.states.get(LON)?.operations[0]
  if (first === undefined) throw new Error('The fake has no operation.')
  return { fake, operation: fake.changeOperation(LON, first.id, { kind: 'reset', status }) }
}

describe('the operations', () => {
  it('opens the journal of one, and says who gave way to it', async () => {
    const { fake, operation } = withReset({ kind: 'succeeded', endedAt: Date.now() })
    fake.activity.steps.set(operation.id, [
      STEP,
      { ...STEP, step: 'start-guest', attempt: 2, outcome: 'failed', detail: 'No space.' },
    ])
    const gaveWay = { action: 'give_way', operationId: 'op-00000000000000b1', requestId: operation.requestId }
    fake.activity.append(LON, gaveWay)
    await mountPilothouse(fake, '/operations')
    await open('reset')
    await until(() => outcomes().length === 2, 'two steps')
    await says('journal', 'Start guest · attempt 2')
    await says('journal', 'No space.')
    await says('gave-way', 'op-00000000000000b1 gave way to it.')
    await open('reset')
    await until(() => document.querySelector('[data-testid=journal]') === null, 'closed')
  })

  it('says to whom an operation gave way', async () => {
    const { fake, operation } = withReset({ kind: 'cancelled', endedAt: Date.now() })
    const detail = { kind: 'destroy', gaveWayTo: 'op-00000000000000d1' }
    fake.activity.append(LON, { action: 'give_way', operationId: operation.id, detail })
    await mountPilothouse(fake, '/operations')
    await open('reset')
    await says('gave-way', 'It gave way to destroy by ada (op-00000000000000d1).')
  })

  it('follows the steps of a running one', async () => {
    const { fake, operation } = withReset({ kind: 'running' })
    const running = { ...STEP, endedAt: null, outcome: null }
    fake.activity.steps.set(operation.id, [running])
    await mountPilothouse(fake, '/operations')
    await open('reset')
    await says('journal-step', 'Running')
    fake.activity.steps.set(operation.id, [STEP, { ...running, step: 'start-guest' }])
    fake.changeOperation(LON, operation.id, { step: 'start-guest', stepIndex: 1 })
    await until(() => outcomes().length === 2, 'the next step')
    await says('journal-step', 'Done')
  })

  it('says why the steps could not be read, and reads them again', async () => {
    const { fake } = withReset({ kind: 'succeeded', endedAt: Date.now() })
    fake.refuse('host.operations.steps', new PilothouseError('host_unreachable', 'The link went down.'))
    await mountPilothouse(fake, '/operations')
    await open('reset')
    await says('failure', 'Its steps could not be read.')
    await page.getByRole('button', { name: 'Read again' }).click()
    await says('journal', 'No step was begun.')
  })

  it('is found, as are activity, owners and leftovers, from the palette', async () => {
    await mountPilothouse(new FakeApp(sampleFleet(8)), '/operations')
    for (const name of ['Activity', 'Owners', 'Leftovers']) {
      await userEvent.keyboard('{Control>}k{/Control}')
      await page.getByPlaceholder('Search environments, hosts, commands').fill(name)
      await userEvent.keyboard('{Enter}')
      await until(() => location.hash.includes(name.toLowerCase()), name)
      expect(element('breadcrumb').textContent).toContain(name)
    }
  })
})
