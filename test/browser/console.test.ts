import { describe, expect, it } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import type { EnvironmentId, HostId } from '../../src-shared/model/ids.ts'
import { FakeApp } from '../support/fake-app.ts'
import type { FakeConsole } from '../support/fake-app-console.ts'
import { connected, sampleFleet } from '../support/fake-app-samples.ts'
import { element, mountPilothouse, says, terminalText, until } from './mount.ts'

const HOST = 'host-00000001' as HostId

async function openConsole(text = 'hello\r\n'): Promise<{ fake: FakeApp; console: FakeConsole; id: EnvironmentId }> {
  const fake = new FakeApp(sampleFleet(8))
  const id = fake.environment(HOST, 'billing-worker')?.id as EnvironmentId
  const console = fake.boot(HOST, id)
  console.write(text)
  await mountPilothouse(fake, `/environments/${HOST}/${id}`)
  await until(() => pane()?.dataset['link'] === 'live', 'the console is live')
  return { fake, console, id }
}

const pane = () => document.querySelector<HTMLElement>('[data-testid=console]')
const offset = () => Number(pane()?.dataset['offset'])

describe('a console on screen', () => {
  it('draws what the guest wrote, and says how far it is', async () => {
    const { console } = await openConsole('hello-42\r\n')
    await until(() => terminalText().includes('hello-42'), 'the text')
    await until(() => offset() === console.bytes.byteLength, 'the offset')
    expect(terminalText()).toContain('boot 1')
  })

  it('takes the keyboard at the first key, loses none of it, and gives it back', async () => {
    const { console } = await openConsole()
    await until(() => terminalText().includes('hello'), 'the text')
    document.querySelector<HTMLElement>('.xterm-helper-textarea')?.focus()
    await userEvent.keyboard('ls -l')
    await until(() => console.typed === 'ls -l', 'typed')
    await says('console-line', 'You are typing.')
    await page.getByTestId('console-type').click()
    await until(() => console.holder === null, 'given back')
  })

  it('shows who types, and takes over only when asked', async () => {
    const { console } = await openConsole()
    console.hold({ user: 'otto', uid: 2, role: 'operator', claimedActor: 'op@desk-7' as never })
    await says('console-line', 'otto (claimed op@desk-7) is typing.')
    document.querySelector<HTMLElement>('.xterm-helper-textarea')?.focus()
    await userEvent.keyboard('x')
    expect(console.typed).toBe('')
    await page.getByText('Take over').click()
    await userEvent.keyboard('y')
    await until(() => console.typed === 'y', 'typed after taking over')
  })

  it('lets a viewer watch, and says why typing is not for them', async () => {
    const { fake, console } = await openConsole()
    fake.setConnection(HOST, connected('viewer'))
    await says('console-line', 'Needs the operator role')
    document.querySelector<HTMLElement>('.xterm-helper-textarea')?.focus()
    await userEvent.keyboard('x')
    element('console-type').click()
    expect(console.typed).toBe('')
    expect(console.holder).toBeNull()
  })

  it('goes on at the next byte after a cut', async () => {
    const { console } = await openConsole('one\r\n')
    await until(() => terminalText().includes('one'), 'the first line')
    console.cut('The link was cut.')
    console.write('two\r\n')
    await until(() => terminalText().includes('two'), 'the second line')
    expect(terminalText().match(/one/g)).toHaveLength(1)
  })

  it('says inline how many bytes are missing', async () => {
    const { console } = await openConsole('before\r\n')
    console.lose(120_345)
    console.write('after\r\n')
    await until(() => terminalText().includes('after'), 'what came after')
    expect(terminalText()).toContain('120,345 bytes are lost')
  })

  it('goes on with the next boot, behind a line that says so', async () => {
    const { fake, console, id } = await openConsole('first boot\r\n')
    await until(() => terminalText().includes('first boot'), 'the first boot')
    fake.boot(HOST, id).write('second boot\r\n')
    console.end(Date.now())
    await until(() => terminalText().includes('second boot'), 'the second boot')
    expect(terminalText()).toMatch(/first boot\n+── boot 2/)
    expect(pane()?.dataset['boot']).toBe('2')
  })

  it('answers nothing to the guest, changes no title and no clipboard, and counts what it ignored', async () => {
    const { console } = await openConsole()
    await page.getByTestId('console-type').click()
    await until(() => pane()?.dataset['typing'] === 'true', 'the keyboard')
    console.isEchoing = false
    const title = document.title
    const hostile = [
      '\x1b[c',
      '\x1b[>c',
      '\x1b[=c',
      '\x1b[5n',
      '\x1b[6n',
      '\x1b[?6n',
      '\x1b[?15n',
      '\x1bZ',
      '\x1b[18t',
      '\x1b[21t',
      '\x1bP$qm\x1b\\',
      '\x1bP+q544e\x1b\\',
      '\x1b[?1$p',
      '\x1b[4$p',
      '\x1b[>q',
      '\x1b[x',
      '\x1b[?u',
      '\x05',
      '\x1b]10;?\x07',
      '\x1b]11;?\x1b\\',
      '\x1b]4;1;?\x07',
      '\x1b]52;c;aGFja2Vk\x07',
      '\x1b]52;c;?\x07',
      '\x1b]0;owned\x07',
      '\x1b]2;owned\x07',
      '\x1b[?1004h',
    ]
    console.write(`${hostile.join('')}done\r\n`)
    await until(() => terminalText().includes('done'), 'everything parsed')
    document.querySelector<HTMLElement>('.xterm-helper-textarea')?.blur()
    document.querySelector<HTMLElement>('.xterm-helper-textarea')?.focus()
    await userEvent.keyboard('k')
    await until(() => console.typed.endsWith('k'), 'a key of ours')
    expect(console.typed).toBe('k')
    expect(document.title).toBe(title)
    const ignored = Number.parseInt(element('console-dropped').textContent, 10)
    // xterm itself refuses window reports and ENQ before they can be counted.
    expect(ignored).toBe(hostile.length - 3)
  })

  it('makes a link of nothing but http and https, and opens none by itself', async () => {
    const { console } = await openConsole()
    console.write('\x1b]8;;file:///etc/passwd\x07file\x1b]8;;\x07 \x1b]8;;https://example.net/a\x07web\x1b]8;;\x07\r\n')
    await until(() => terminalText().includes('file web'), 'the links')
    await says('console-dropped', '1 ignored')
  })

  it('finds text, counts matches, and closes with Escape', async () => {
    await openConsole('alpha\r\nbeta\r\nalpha\r\n')
    await until(() => terminalText().includes('beta'), 'the text')
    await page.getByTestId('console-find').click()
    await page.getByTestId('console-find-input').fill('alpha')
    await says('console-find-result', /of 2/)
    await userEvent.keyboard('{Escape}')
    await until(() => document.querySelector('[data-testid=console-find-input]') === null, 'closed')
  })

  it('leaves Tab to the window while one only watches, and to the guest while one types', async () => {
    const { console } = await openConsole()
    const area = document.querySelector<HTMLElement>('.xterm-helper-textarea')
    area?.focus()
    await userEvent.keyboard('{Tab}')
    expect(document.activeElement).not.toBe(area)
    await page.getByTestId('console-type').click()
    await until(() => pane()?.dataset['typing'] === 'true', 'the keyboard')
    await userEvent.keyboard('{Tab}')
    await until(() => console.typed === '\t', 'the tab')
    await userEvent.keyboard('{Control>}{Shift>}l{/Shift}{/Control}')
    await until(() => document.activeElement === element('console-type'), 'left by keyboard')
  })

  it('swallows 20 MB without losing a byte, and still answers Ctrl C', async () => {
    const { console } = await openConsole()
    const line = `${'x'.repeat(78)}\r\n`
    console.write(line.repeat(250_000))
    const start = performance.now()
    await until(() => offset() === console.bytes.byteLength, 'everything drawn', 30_000)
    expect(20 / ((performance.now() - start) / 1000)).toBeGreaterThan(1)
    await page.getByTestId('console-type').click()
    await until(() => pane()?.dataset['typing'] === 'true', 'the keyboard')
    await userEvent.keyboard('{Control>}c{/Control}')
    await until(() => console.typed === '\x03', 'Ctrl C')
  }, 60_000)
})
