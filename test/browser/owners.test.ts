import { describe, expect, it } from 'vitest'
import { page } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import { FakeApp } from '../support/fake-app.ts'
import { connected, sampleFleet, sampleHost } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const PUT = 'host.owners.put'
const rowOf = (name: string) => document.querySelector<HTMLElement>(`[data-testid=owner][data-name="${name}"]`)
const puts = (fake: FakeApp) => fake.calls.filter(({ path }) => path === PUT).map(({ input }) => input)

async function openEdit(name: string, fake = new FakeApp({ hosts: [sampleHost(0)] })): Promise<FakeApp> {
  await mountPilothouse(fake, '/owners')
  await until(() => rowOf(name) !== null, 'the owner')
  rowOf(name)?.querySelector<HTMLElement>('[data-testid=owner-edit]')?.click()
  await expect.element(page.getByTestId('owner-form')).toBeVisible()
  return fake
}

describe('the owners of a host', () => {
  it('shows limit, use and activity, and says why a host cannot be read', async () => {
    await mountPilothouse(new FakeApp(sampleFleet(8)), '/owners')
    await until(() => rowOf('northwind') !== null, 'the owners')
    expect(rowOf('acme')?.textContent).toContain('1 of 3 in use')
    expect(rowOf('northwind')?.textContent).toContain('unlimited')
    expect(rowOf('retired')?.textContent).toContain('Not active')
    await says('host-trouble', 'cannot be read since')
  })

  it('sends nothing when the form is saved unchanged; unlimited stays unlimited', async () => {
    const fake = await openEdit('northwind')
    await page.getByTestId('owner-save').click()
    await says('owner-unchanged', 'Nothing changed; nothing was sent.')
    expect(puts(fake)).toEqual([])
  })

  it('says what lowering the limit and deactivating do, and sends only what changed', async () => {
    const fake = await openEdit('northwind')
    await page.getByTestId('owner-unlimited').click()
    await page.getByTestId('owner-limit').fill('2')
    await page.getByTestId('owner-active').click()
    await says('owner-consequences', 'northwind keeps its 4 environments; no new ones until it has fewer than 2.')
    await says('owner-consequences', 'nothing new can be made for northwind until it is active again')
    await page.getByTestId('owner-save').click()
    await until(() => rowOf('northwind')?.textContent.includes('4 of 2 in use') === true, 'the change')
    expect(puts(fake)).toEqual([{ name: 'northwind', limit: 2, isActive: false }])
  })

  it('adds an owner, in the contract’s words until the name is one', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake, '/owners')
    await page.getByTestId('owner-add').click()
    await page.getByTestId('owner-name').fill('Acme Corp')
    await page.getByTestId('owner-limit').fill('-3')
    await page.getByTestId('owner-save').click()
    await expect.element(page.getByText(/must be 1–63 lower-case letters/)).toBeVisible()
    await expect.element(page.getByText('-3 is less than 1', { exact: false })).toBeVisible()
    expect(puts(fake)).toEqual([])
    await page.getByTestId('owner-name').fill('umbra')
    await page.getByTestId('owner-limit').fill('4')
    expect(element('cli').textContent).toContain('owners put umbra --host lon-1')
    await page.getByTestId('owner-save').click()
    await until(() => rowOf('umbra') !== null, 'added')
    expect(puts(fake)).toMatchObject([{ name: 'umbra', limit: 4 }])
  })

  it('keeps the form and says why when the host refuses, with the request id', async () => {
    const fake = await openEdit('acme')
    fake.refuse(PUT, new PilothouseError('storage_failed', 'The disk is full.'))
    await page.getByTestId('owner-note').fill('new note')
    await page.getByTestId('owner-save').click()
    await says('failure', 'The disk is full.')
    await says('failure-request-id', /^req-/)
    await page.getByTestId('owner-save').click()
    await until(() => rowOf('acme')?.textContent.includes('new note') === true, 'saved')
  })

  it('tells those who may not edit why', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0, connected('operator'))] })
    await mountPilothouse(fake, '/owners')
    await says('owners-readonly', 'Needs the admin role; you are operator on lon-1.')
    element('owner-add').click()
    expect(document.querySelector('[data-testid=owner-form]')).toBeNull()
  })

  it('says why the owners could not be read, and reads them again', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    fake.refuse('host.owners.list', new PilothouseError('internal', 'It broke.'))
    await mountPilothouse(fake, '/owners')
    await says('failure', 'The owners of lon-1 could not be read.')
    await page.getByRole('button', { name: 'Read again' }).click()
    await until(() => rowOf('acme') !== null, 'read')
  })

  it('says what to do first where there is none', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    fake.owners = []
    await mountPilothouse(fake, '/owners')
    await says('owners-none', 'Add an owner before the first one is made.')
  })
})
