import { describe, expect, it } from 'vitest'
import { page } from 'vitest/browser'
import { FakeApp } from '../support/fake-app.ts'
import { SAMPLE_KEY, failureWith, sampleHost } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const state = () => document.querySelector('[data-testid=host]')?.getAttribute('data-state')

describe('hosts', () => {
  it('adds one, shows its key at first contact, and goes on only when it is accepted', async () => {
    const fake = new FakeApp()
    await mountPilothouse(fake, '/hosts')
    await page.getByTestId('add-host-button').click()
    await page.getByTestId('host-name').fill('lon-1')
    await page.getByTestId('host-address').fill('lon-1.example.net')
    await page.getByTestId('host-submit').click()
    await says('fingerprint', SAMPLE_KEY.fingerprint)
    expect(state()).toBe('awaiting_trust')
    await page.getByTestId('trust-accept').click()
    await until(() => state() === 'connected', 'connected')
    const accepted = fake.calls.find(({ path }) => path === 'hosts.acceptKey')
    expect(accepted?.input).toMatchObject({ fingerprint: SAMPLE_KEY.fingerprint })
  })

  it('does not connect when the key is not accepted', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0, { kind: 'awaiting_trust', since: 0, key: SAMPLE_KEY })] })
    await mountPilothouse(fake, '/hosts')
    await page.getByTestId('trust-decline').click()
    await until(() => state() === 'disconnected', 'left alone')
    expect(fake.calls.some(({ path }) => path === 'hosts.acceptKey')).toBe(false)
  })

  it('stops fully at a changed key: a sentence, and no way to go on with it', async () => {
    const failure = failureWith('host_key_changed', 'lon-1 shows another key than the one that was pinned.')
    const host = sampleHost(0, { kind: 'refused', since: 0, failure, key: SAMPLE_KEY })
    await mountPilothouse(new FakeApp({ hosts: [host] }), '/hosts')
    await says('host', 'shows another key')
    await says('host', 'Do not continue.')
    expect(document.querySelector('[data-testid=trust-accept]')).toBeNull()
  })

  it('counts down to the next attempt, and tries at once when asked', async () => {
    const failure = failureWith('host_unreachable', 'Nothing answered on port 22.')
    const nextAt = Date.now() + 9000
    const host = sampleHost(0, { kind: 'retrying', since: 0, attempt: 3, nextAt, failure })
    const fake = new FakeApp({ hosts: [host] })
    await mountPilothouse(fake, '/hosts')
    await says('host', /trying again in [89] s/)
    await says('host', /trying again in 7 s/)
    await page.getByTestId('host-try-now').click()
    await until(() => state() === 'connected', 'connected')
  })

  it('forgets a host only after a second question', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake, '/hosts')
    await page.getByTestId('host-remove').click()
    expect(fake.calls.some(({ path }) => path === 'hosts.remove')).toBe(false)
    await page.getByTestId('host-remove-confirm').click()
    await until(() => document.querySelector('[data-testid=host]') === null, 'gone')
  })

  it('shows who one is on the host, and which role', async () => {
    await mountPilothouse(new FakeApp({ hosts: [sampleHost(0)] }))
    await says('role', 'admin')
    expect(element('role').textContent).toContain('ada@lon-1')
  })
})
