import { describe, expect, it } from 'vitest'
import { page } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import { FakeApp } from '../support/fake-app.ts'
import { sampleLeftovers } from '../support/fake-app-leftovers.ts'
import { connected, sampleHost } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const LON = 'host-00000001' as HostId
const RUN = 'host.drift.run'
const items = () => [...document.querySelectorAll<HTMLElement>('[data-testid=leftover]')]
const callsOf = (fake: FakeApp, path: string) => fake.calls.filter((call) => call.path === path)

async function mountWith(fake: FakeApp = new FakeApp({ hosts: [sampleHost(0)] })): Promise<FakeApp> {
  fake.leftovers.items = sampleLeftovers()
  await mountPilothouse(fake, `/leftovers?host=${LON}`)
  await until(() => items().length === 6, 'the items')
  return fake
}
const pick = (name: string) => page.getByRole('checkbox', { name, exact: true }).click()

describe('what is left over on a host', () => {
  it('is looked for when opened and on demand, and grouped by kind', async () => {
    const fake = await mountWith()
    await says('surveyed', /Looked at \d\d:\d\d:\d\d/)
    expect(document.querySelectorAll('[data-testid=leftover-group]')).toHaveLength(5)
    const home = items().find((item) => item.dataset['id']?.startsWith('home:') === true)
    expect(home?.textContent).toContain('may hold data')
    expect(home?.textContent).toContain('1.3 GiB')
    fake.leftovers.items = []
    await page.getByTestId('leftovers-look').click()
    await says('empty', 'Nothing is left over')
  })

  it('previews what is chosen, asks for the host’s name, cleans up once, and says what was kept', async () => {
    const fake = await mountWith()
    fake.leftovers.stubborn.set('guest:boot-00000000000000a1', 'Process 4121 did not end.')
    await pick('All homes')
    await pick('All guests')
    await page.getByTestId('clean-up').click()
    await says('clean-up-plan', '2 leftovers are removed from this host.')
    await says('clean-up-loss', 'are removed for good')
    await page.getByTestId('clean-up-name').fill('lon-1')
    element('clean-up-confirm').click()
    expect(callsOf(fake, RUN)).toHaveLength(0)
    const release = fake.hold(RUN)
    await page.getByTestId('clean-up-name').fill('lon-1.example.net')
    await page.getByTestId('clean-up-reason').fill(' orphaned in the crash ')
    element('clean-up-confirm').click()
    element('clean-up-confirm').click()
    await until(() => callsOf(fake, RUN).length > 0, 'sent')
    release()
    await says('clean-up-result', '1 removed, 1 kept.')
    await says('clean-up-kept', 'Process 4121 did not end.')
    expect(callsOf(fake, RUN)).toHaveLength(1)
    const said = { confirmName: 'lon-1.example.net', reason: 'orphaned in the crash' }
    expect(callsOf(fake, RUN)[0]?.input).toMatchObject(said)
    await until(() => items().length === 5, 'looked at again')
  })

  it('needs no name where no data may be lost', async () => {
    const fake = await mountWith()
    await pick('All files of boots')
    await page.getByTestId('clean-up').click()
    await says('clean-up-plan', '2 leftovers')
    expect(document.querySelector('[data-testid=clean-up-name]')).toBeNull()
    await page.getByTestId('clean-up-confirm').click()
    await says('clean-up-result', '2 removed.')
    expect(callsOf(fake, RUN)).toHaveLength(1)
  })

  it('says why a plan no longer holds, and reads the new one', async () => {
    const fake = await mountWith()
    fake.refuse(RUN, new PilothouseError('plan_outdated', 'One of them is in use now.'))
    await pick('All files of boots')
    await page.getByTestId('clean-up').click()
    await page.getByTestId('clean-up-confirm').click()
    await says('failure', 'One of them is in use now.')
    expect(element('clean-up-confirm').dataset['block']).toBe('Read the new plan first.')
    await page.getByTestId('clean-up-replan').click()
    await until(() => callsOf(fake, 'host.drift.plan').length === 2, 'planned again')
    await page.getByTestId('clean-up-confirm').click()
    await says('clean-up-result', '2 removed.')
  })

  it('is asked for again as the same command where the answer was lost', async () => {
    const fake = await mountWith()
    const lost = new PilothouseError('host_unreachable', 'The connection was cut.')
    fake.refuse(RUN, lost)
    await pick('All files of boots')
    await page.getByTestId('clean-up').click()
    await page.getByTestId('clean-up-confirm').click()
    await says('failure', 'The connection was cut.')
    await page.getByTestId('clean-up-confirm').click()
    await says('clean-up-result', '2 removed.')
    const [first, second] = callsOf(fake, RUN).map(({ input }) => input as { commandId: string })
    expect(first?.commandId).toMatch(/^cmd-[0-9a-f]{32}$/)
    expect(second).toEqual(first)
  })

  it('shows the list to a viewer, and says why it cannot be cleaned up', async () => {
    const fake = await mountWith(new FakeApp({ hosts: [sampleHost(0, connected('viewer'))] }))
    await says('leftovers-readonly', 'Needs the admin role; you are viewer on lon-1.')
    element('clean-up').click()
    expect(callsOf(fake, 'host.drift.plan')).toHaveLength(0)
  })

  it('says what could not be looked at, and why a look failed', async () => {
    const fake = await mountWith()
    fake.leftovers.problems = ['The sockets could not be listed.']
    await page.getByTestId('leftovers-look').click()
    await says('survey-problems', 'Could not be looked at: The sockets could not be listed.')
    fake.refuse('host.drift.list', new PilothouseError('internal', 'It broke.'))
    await page.getByTestId('leftovers-look').click()
    await says('failure', 'Nothing was touched.')
    expect(items()).toHaveLength(6)
  })

  it('is reached from the host’s card', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake, '/hosts')
    await page.getByTestId('host-leftovers').click()
    await says('empty', 'Nothing is left over')
  })
})
