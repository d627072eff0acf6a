import { describe, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import { FakeApp } from '../support/fake-app.ts'
import { bootIdOf, sampleFleet, sampleHost } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, until } from './mount.ts'

const HOST = 'host-00000001' as HostId
const SPAWN = 'host.environments.spawn'

async function fill(name: string): Promise<void> {
  await page.getByTestId('spawn-button').click()
  await page.getByTestId('spawn-name').fill(name)
  await page.getByTestId('spawn-owner').click()
  await page.getByRole('option', { name: /northwind/ }).click()
}

const spawnCalls = (fake: FakeApp) => fake.calls.filter(({ path }) => path === SPAWN)
const phase = () => document.querySelector('[data-testid=phases]')?.getAttribute('data-phase')

describe('making an environment', () => {
  it('refuses a name in the contract’s words before anything is sent', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake)
    await fill('Billing_worker')
    await page.getByTestId('spawn-submit').click()
    await expect.element(page.getByText(/must be 1–63 lower-case letters/)).toBeVisible()
    expect(spawnCalls(fake)).toHaveLength(0)
  })

  it('sends the size as it was changed, and refuses at once what is left of an emptied field', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake)
    await fill('web')
    const change = async (label: string, value: string) => {
      await page.getByRole('spinbutton', { name: label }).fill(value)
      await userEvent.keyboard('{Tab}')
    }
    await change('CPUs', '2')
    await change('Memory, MiB', '')
    await expect.element(page.getByText('say how much')).toBeVisible()
    await change('Memory, MiB', '768')
    await page.getByTestId('spawn-submit').click()
    await until(() => spawnCalls(fake).length === 1, 'sent')
    expect(spawnCalls(fake)[0]?.input).toMatchObject({ size: { cpus: 2, memoryMiB: 768 } })
  })

  it('does not offer an owner that is not active', async () => {
    await mountPilothouse(new FakeApp({ hosts: [sampleHost(0)] }))
    await page.getByTestId('spawn-button').click()
    await page.getByTestId('spawn-owner').click()
    await expect.element(page.getByRole('option', { name: /retired/ })).toHaveAttribute('data-disabled')
  })

  it('shows the provisioning view at the click, before the host has answered', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    const release = fake.hold(SPAWN)
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-submit').click()
    await until(() => phase() === 'requested', 'the first phase')
    expect(element('env-title').textContent).toBe('web')
    expect(element('cancel').dataset['block']).toBe('The host has not answered yet.')
    release()
    await until(() => location.hash.includes('/env-'), 'the address names the environment')
    expect(phase()).toBe('requested')
  })

  it('sends one command however often the button is pressed', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake)
    await fill('web')
    const submit = element('spawn-submit')
    submit.click()
    submit.click()
    await until(() => location.hash.includes('/env-'), 'accepted')
    expect(spawnCalls(fake)).toHaveLength(1)
  })

  it('goes through the phases without ever going back, and its clock counts from the click', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-submit').click()
    await until(() => spawnCalls(fake).length === 1 && location.hash.includes('/env-'), 'accepted')
    const { id, environmentId } = fake.states.get(HOST)?.operations[0] ?? { id: '', environmentId: '' }
    fake.changeOperation(HOST, id, { phase: 'booting_guest', attempt: 1 })
    await until(() => phase() === 'booting_guest', 'booting')
    // The environment's own event is late: it must not take the phase back.
    fake.changeEnvironment(HOST, environmentId, { observed: { kind: 'creating', since: 0, phase: 'provisioning_vm' } })
    fake.changeOperation(HOST, id, { phase: 'provisioning_vm', attempt: 1 })
    await new Promise((resolve) => setTimeout(resolve, 1100))
    expect(phase()).toBe('booting_guest')
    expect(element('elapsed').textContent).toMatch(/0:0[1-9]/)
    fake.finish(HOST, fake.states.get(HOST)!.operations[0]!, {
      kind: 'running',
      since: Date.now(),
      bootId: bootIdOf(1) as never,
      agent: 'answering',
    })
    await until(() => element('state').textContent.includes('Running'), 'running')
  })

  it('shows a refusal with hint and request id, and reopens the dialog with what was typed', async () => {
    const fake = new FakeApp(sampleFleet(8))
    await mountPilothouse(fake)
    await fill('billing-worker')
    await page.getByTestId('spawn-submit').click()
    await says('failure', 'There is already an environment called')
    await says('failure', 'names are unique per host')
    expect(element('failure-request-id').textContent).toBe(spawnCalls(fake)[0]?.requestId)
    await page.getByTestId('spawn-correct').click()
    await expect.element(page.getByTestId('spawn-name')).toHaveValue('billing-worker')
    await page.getByTestId('spawn-name').fill('billing-worker-9')
    await page.getByTestId('spawn-submit').click()
    await until(() => spawnCalls(fake).length === 2, 'the second command')
    const [first, second] = spawnCalls(fake).map(({ input }) => (input as { commandId: string }).commandId)
    expect(second).not.toBe(first)
  })

  it('tries the same values again as a new command, in the same view', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    fake.refuse(SPAWN, new PilothouseError('host_limit_reached', 'lon-1 has 256 MiB of memory left.'))
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-submit').click()
    await says('outcome-kept', 'Nothing was made.')
    const view = element('environment')
    await page.getByTestId('spawn-again').click()
    await until(() => location.hash.includes('/env-'), 'accepted')
    expect(element('environment')).toBe(view)
    expect(phase()).toBe('requested')
    const [first, second] = spawnCalls(fake).map(({ input }) => input as { commandId: string; name: string })
    expect(second?.commandId).not.toBe(first?.commandId)
    expect({ ...second, commandId: '' }).toEqual({ ...first, commandId: '' })
  })

  it('goes nowhere and says nothing when it is refused after it was left', async () => {
    const fake = new FakeApp(sampleFleet(8))
    const release = fake.hold(SPAWN)
    await mountPilothouse(fake)
    await fill('billing-worker')
    await page.getByTestId('spawn-submit').click()
    await until(() => phase() === 'requested', 'the view')
    await page.getByTestId('back').click()
    await expect.element(page.getByTestId('env-table')).toBeVisible()
    release()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(location.hash).toBe('#/environments')
    expect(document.body.textContent).not.toContain('There is already an environment')
  })

  it('opens nothing by itself for whoever has left, and is found in the list', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    const release = fake.hold(SPAWN)
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-submit').click()
    await page.getByTestId('back').click()
    release()
    await expect.element(page.getByTestId('env-row')).toHaveAttribute('data-name', 'web')
    expect(location.hash).toBe('#/environments')
  })

  it('asks again with the same command when no answer came', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    fake.refuse(SPAWN, new PilothouseError('host_unreachable', 'The connection ended before the answer came.'))
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-submit').click()
    await page.getByTestId('spawn-retry').click()
    await until(() => spawnCalls(fake).length === 2, 'the retry')
    const [first, second] = spawnCalls(fake)
    expect((second?.input as { commandId: string }).commandId).toBe((first?.input as { commandId: string }).commandId)
    expect(second?.requestId).not.toBe(first?.requestId)
  })

  it('can be left while it goes on, and cancelled by its own button', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-submit').click()
    await until(() => location.hash.includes('/env-'), 'accepted')
    await page.getByTestId('back').click()
    await expect.element(page.getByTestId('env-row')).toBeVisible()
    expect(fake.calls.some(({ path }) => path.endsWith('cancel'))).toBe(false)
    await page.getByTestId('env-open').click()
    await page.getByTestId('cancel').click()
    await until(() => fake.calls.some(({ path }) => path === 'host.operations.cancel'), 'cancelled')
  })

  it('closes with Escape and gives the focus back', async () => {
    await mountPilothouse(new FakeApp({ hosts: [sampleHost(0)] }))
    await page.getByTestId('spawn-button').click()
    await expect.element(page.getByTestId('spawn-form')).toBeVisible()
    await userEvent.keyboard('{Escape}')
    await until(() => document.querySelector('[data-testid=spawn-form]') === null, 'closed')
    await until(() => document.activeElement === element('spawn-button'), 'focus is back')
  })
})

describe('what few spawns need', () => {
  const SECRET = 'not-a-real-token'

  async function openMore(): Promise<FakeApp> {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake)
    await fill('web')
    await page.getByTestId('spawn-more').click()
    return fake
  }
  const picked = (name: string, ...parts: BlobPart[]) => new File(parts, name)

  function pick(...files: File[]): void {
    const picker = document.querySelector<HTMLInputElement>('[data-testid=file-picker]')
    if (picker === null) throw new Error('There is no picker.')
    const transfer = new DataTransfer()
    for (const file of files) transfer.items.add(file)
    picker.files = transfer.files
    picker.dispatchEvent(new Event('change'))
  }
  /** Where a text can be seen or read out: in every text and every attribute but a field's own value. */
  function shownAnywhere(text: string): string[] {
    const attributes = [...document.querySelectorAll('*')].flatMap((each) => [...each.attributes])
    const says = attributes
      .filter(({ name, value }) => name !== 'value' && value.includes(text))
      .map(({ name }) => name)
    return document.body.textContent.includes(text) ? [...says, 'text'] : says
  }
  const count = (testId: string) => document.querySelectorAll(`[data-testid=${testId}]`).length
  const inputOf = (fake: FakeApp, index = 0) => spawnCalls(fake)[index]?.input as Record<string, unknown>

  it('is closed at first, opens by keyboard, and asks for nothing when nothing is said', async () => {
    const fake = new FakeApp({ hosts: [sampleHost(0)] })
    await mountPilothouse(fake)
    await page.getByTestId('spawn-button').click()
    await page.getByTestId('spawn-name').fill('web')
    expect(count('variable-line')).toBe(0)
    element('spawn-more').focus()
    await userEvent.keyboard('{Enter}')
    await until(() => count('variable-line') === 1, 'open')
    await userEvent.keyboard('{Enter}')
    await until(() => count('variable-line') === 0, 'closed')
    await page.getByTestId('spawn-owner').click()
    await page.getByRole('option', { name: /northwind/ }).click()
    await page.getByTestId('spawn-submit').click()
    await until(() => spawnCalls(fake).length === 1, 'sent')
    expect(inputOf(fake)).not.toHaveProperty('labels')
    expect(inputOf(fake)).not.toHaveProperty('startup')
  })

  it('sends all of it, byte for byte, and shows no value anywhere', async () => {
    const fake = await openMore()
    await page.getByTestId('label-key').fill('team')
    await page.getByTestId('label-value').fill('blue')
    await page.getByTestId('spawn-command').fill('set -e\necho up')
    await page.getByTestId('variable-name').fill('API_TOKEN')
    await page.getByTestId('variable-value').fill(SECRET)
    pick(picked('app.toml', '\ufeffa = 1\r\n'))
    await until(() => count('file-line') === 1, 'the file')
    await page.getByTestId('file-paste').click()
    await page.getByTestId('file-path').nth(1).fill('bin/run')
    await page.getByTestId('file-text').fill('#!/bin/sh\n')
    await page.getByTestId('file-executable').nth(1).click()
    await says('spawn-more-says', '1 label, 1 command, 1 variable, 2 files')
    const cli = element('cli').textContent
    expect(cli).toContain("--label team=blue --startup-command 'set -e\necho up' --env API_TOKEN=…")
    expect(cli).toContain('--file app.toml=FILE --file bin/run=FILE')
    expect(shownAnywhere(SECRET)).toEqual([])
    await page.getByTestId('spawn-submit').click()
    await until(() => spawnCalls(fake).length === 1, 'sent')
    expect(inputOf(fake)).toMatchObject({
      labels: { team: 'blue' },
      startup: {
        command: 'set -e\necho up',
        variables: { API_TOKEN: SECRET },
        files: [
          { path: 'app.toml', content: '\ufeffa = 1\r\n', isExecutable: false },
          { path: 'bin/run', content: '#!/bin/sh\n', isExecutable: true },
        ],
      },
    })
    await says('label-list', 'team: blue')
    await says('startup', 'a command, 1 variable, 2 files')
    expect(location.href).not.toContain(SECRET)
    expect(shownAnywhere(SECRET)).toEqual([])
  })

  it('masks a value until it is revealed', async () => {
    await openMore()
    await page.getByTestId('variable-value').fill(SECRET)
    const mask = () => getComputedStyle(element('variable-value')).getPropertyValue('-webkit-text-security')
    expect(mask()).toBe('disc')
    await page.getByTestId('variable-reveal').click()
    expect(mask()).toBe('none')
    await page.getByTestId('variable-reveal').click()
    expect(mask()).toBe('disc')
  })

  it('keeps the lines of a value, and submits with Enter', async () => {
    const fake = await openMore()
    await page.getByTestId('variable-name').fill('KEY')
    await page.getByTestId('variable-value').fill('one')
    await userEvent.keyboard('{Shift>}{Enter}{/Shift}two{Enter}')
    await until(() => spawnCalls(fake).length === 1, 'sent')
    expect(inputOf(fake)).toMatchObject({ startup: { variables: { KEY: 'one\ntwo' } } })
  })

  it('refuses what is not text, too large or one too many, with a sentence, and takes the rest', async () => {
    await openMore()
    const some = Array.from({ length: 31 }, (_unused, index) => picked(`part-${index}.txt`, 'x'))
    pick(
      picked('photo.png', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0xff])),
      picked('nul.txt', 'a\0b'),
      picked('dump.sql', 'x'.repeat(262_145)),
      picked('.env file', 'A=1'),
    )
    await says('file-refusals', 'photo.png was not added: it is not UTF-8 text')
    await says('file-refusals', 'nul.txt was not added: it contains NUL')
    await says('file-refusals', 'dump.sql was not added: it is 256.0 KiB')
    await expect.element(page.getByTestId('file-path')).toHaveValue('_env_file')
    await says('file-size', '3 B')
    pick(...some, picked('last.txt', 'x'))
    await says('file-refusals', 'last.txt was not added: at most 32 files')
    expect(count('file-line')).toBe(32)
  })

  it('opens at what is wrong, says it there, and sends nothing', async () => {
    const fake = await openMore()
    await page.getByTestId('variable-name').fill('2ND')
    await page.getByTestId('spawn-more').click()
    await says('spawn-more', 'to correct')
    await page.getByTestId('spawn-submit').click()
    await until(() => document.activeElement === element('variable-name'), 'the focus is on it')
    await expect.element(page.getByText(/must be 1–128 letters/)).toBeVisible()
    expect(spawnCalls(fake)).toHaveLength(0)
  })

  it('says that it is too much in all before it is sent', async () => {
    const fake = await openMore()
    pick(...['a', 'b', 'c'].map((name) => picked(name, 'x'.repeat(200_000))))
    await says('spawn-total', 'take 585.9 KiB; at most 512 KiB')
    element('spawn-submit').click()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(spawnCalls(fake)).toHaveLength(0)
  })

  it('keeps everything that was typed when it is refused', async () => {
    const fake = await openMore()
    fake.refuse(SPAWN, new PilothouseError('host_limit_reached', 'lon-1 has 256 MiB of memory left.'))
    await page.getByTestId('label-key').fill('team')
    await page.getByTestId('spawn-command').fill('echo up')
    await page.getByTestId('variable-name').fill('API_TOKEN')
    await page.getByTestId('variable-value').fill(SECRET)
    pick(picked('app.toml', 'a = 1'))
    await until(() => count('file-line') === 1, 'the file')
    await page.getByTestId('spawn-submit').click()
    await says('outcome-kept', 'Nothing was made.')
    expect(document.body.textContent).not.toContain(SECRET)
    await page.getByTestId('spawn-correct').click()
    await says('spawn-more-says', '1 label, 1 command, 1 variable, 1 file')
    await page.getByTestId('spawn-more').click()
    await expect.element(page.getByTestId('variable-value').first()).toHaveValue(SECRET)
    await page.getByTestId('spawn-submit').click()
    await until(() => spawnCalls(fake).length === 2, 'sent again')
    const [first, second] = [inputOf(fake), inputOf(fake, 1)]
    expect(second).toEqual({ ...first, commandId: second['commandId'] })
  })
})
