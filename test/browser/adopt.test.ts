import { describe, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostId, RecoveryPointId } from '../../src-shared/model/ids.ts'
import { FakeApp } from '../support/fake-app.ts'
import { connected, sampleFleet, sampleHost } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const ADOPT = 'host.backups.adopt'
const LOST = 'env-0badcafe'
const asked = (fake: FakeApp) => fake.calls.filter(({ path }) => path === ADOPT).map(({ input }) => input)
const confirm = () => element('adopt-confirm')
const blockOf = () => confirm().dataset['block'] ?? null

async function open(fake = new FakeApp({ hosts: [sampleHost(0)] })): Promise<FakeApp> {
  await mountPilothouse(fake, '/recovery')
  await page.getByTestId('adopt-open').click()
  await expect.element(page.getByTestId('adopt-dialog')).toBeVisible()
  return fake
}

describe('taking points on record', () => {
  it('begins on a host without an environment, by an id that nothing is on record of', async () => {
    const fake = await open()
    await says('adopt-ids', 'nothing of them on record')
    expect(blockOf()).toBe('Give the id of the environment.')
    await page.getByTestId('adopt-unrecorded').click()
    expect(element('cli').textContent).toBe(`pilothouse backup adopt ${LOST} --host lon-1`)
    await page.getByTestId('adopt-confirm').click()
    await says('adopt-result', '24 points taken on record.')
    await says('adopt-result', `pilothouse restore clone ${LOST} NAME --point latest --owner OWNER --host lon-1`)
    expect(asked(fake)).toEqual([{ environment: LOST }])
  })

  it('has the room of the ids before the host has told them', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    const tell = fake.hold('host.backups.orphaned')
    await open(fake)
    expect(element('adopt-ids').textContent).toBe('')
    const before = element('adopt-dialog').offsetHeight
    tell()
    await says('adopt-ids', 'nothing of them on record')
    expect(element('adopt-dialog').offsetHeight).toBe(before)
  })

  it('asks for an id and nothing else, and is submitted by Enter', async () => {
    const fake = await open()
    for (const word of ['web-1', 'env-0BADCAFE', 'env-0badcafe0', '../env-0badcafe']) {
      await page.getByTestId('adopt-id').fill(word)
      expect(blockOf()).toBe('An id is env- and 8 hex digits.')
    }
    await userEvent.keyboard('{Enter}')
    expect(asked(fake)).toEqual([])
    await page.getByTestId('adopt-id').fill(` ${LOST} `)
    await userEvent.keyboard('{Enter}')
    await says('adopt-result', 'taken on record')
    expect(asked(fake)).toEqual([{ environment: LOST }])
  })

  it('says what was passed over and why, what is left, and goes on with that', async () => {
    const fake = await open()
    const passedOver = { pointId: 'ab'.repeat(32) as RecoveryPointId, takenAt: 1_763_000_000_000 }
    const why = 'Its tags do not say that Pilothouse made it.'
    const first = { taken: 3, known: 1, gone: 2, left: 9, passedOverCount: 1, passedOver: [{ ...passedOver, why }] }
    fake.backups.adopted = first
    await page.getByTestId('adopt-id').fill(LOST)
    await page.getByTestId('adopt-confirm').click()
    await says(
      'adopt-result',
      '3 points taken on record. 1 point was on record before. 2 points are not there any more. For 9 older points there was no time.',
    )
    await says('adopt-passed-over', `abababab${why}`)
    expect(confirm().textContent).toContain('Go on with the rest')
    fake.backups.adopted = { ...first, taken: 0, known: 0, gone: 0, left: 0 }
    await page.getByTestId('adopt-confirm').click()
    await says('adopt-result', 'No point of this environment was taken.')
    expect(element('adopt-result').textContent).not.toContain('restore clone')
    expect(asked(fake)).toHaveLength(2)
  })

  it('keeps the id and says why where the repository does not serve', async () => {
    const fake = await open()
    fake.refuse(ADOPT, new PilothouseError('wrong_password', 'The password does not open it.'))
    await page.getByTestId('adopt-id').fill(LOST)
    await page.getByTestId('adopt-confirm').click()
    await says('failure', 'The password does not open it.')
    await page.getByTestId('adopt-confirm').click()
    await says('adopt-result', '24 points')
    expect(document.querySelector('[data-testid=failure]')).toBeNull()
  })

  it('is an admin’s: others are told why they cannot, also where it changes meanwhile', async () => {
    const fake = await open(new FakeApp({ hosts: [sampleHost(0, connected('operator'))] }))
    await page.getByTestId('adopt-id').fill(LOST)
    await says('adopt-block', 'Needs the admin role; you are operator on lon-1.')
    expect(blockOf()).toContain('Needs the admin role')
    element('adopt-confirm').click()
    expect(asked(fake)).toEqual([])
    fake.setConnection('host-00000001' as HostId, connected('admin'))
    await until(() => blockOf() === null, 'allowed')
  })

  it('says where the ids cannot be told, and is found from the palette and beside a fleet', async () => {
    const fake = new FakeApp(sampleFleet(8))
    fake.backups.orphaned = { environments: [], unrecorded: null }
    await mountPilothouse(fake, '/environments')
    await userEvent.keyboard('{Control>}k{/Control}')
    await userEvent.keyboard('take points')
    await page.getByText('Take points on record…').click()
    await says('adopt-ids', 'cannot be told from here')
    await page.getByTestId('adopt-cancel').click()
    location.hash = '/recovery'
    await page.getByTestId('adopt-open').click()
    await expect.element(page.getByTestId('adopt-dialog')).toBeVisible()
  })
})
