import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCommandLine } from '../../../host-daemon/cli/command-line.ts'
import type { Settings } from '../../../host-daemon/config/settings.ts'
import { SystemClock } from '../../../host-daemon/system/clock.ts'
import { temporaryFolder } from '../../support/edge.ts'

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let config: string
beforeAll(async () => {
  folder = await temporaryFolder()
  config = join(folder.path, 'daemon.json')
  await writeFile(config, JSON.stringify({ hostName: 'from-file', stateDirectory: folder.path }))
})
afterAll(() => folder.remove())

async function pilothoused(args: string[], environment: Record<string, string> = {}) {
  const out: string[] = []
  const error: string[] = []
  const ran: Settings[] = []
  const code = await runCommandLine(args, {
    clock: new SystemClock(),
    terminal: { out: (line) => out.push(line), error: (line) => error.push(line) },
    environment,
    run: (settings) => {
      ran.push(settings)
      return Promise.resolve(0)
    },
  })
  return { code, out: out.join('\n'), error: error.join('\n'), ran }
}

describe('pilothoused', () => {
  it('says what it is and what it takes', async () => {
    expect(await pilothoused(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+$/) })
    expect(await pilothoused(['--help'])).toMatchObject({ code: 0, out: expect.stringContaining('run [options]') })
    expect(await pilothoused(['image', '--help'])).toMatchObject({ code: 0, out: expect.stringContaining('build') })
  })

  it('runs with the settings named, with or without the word', async () => {
    for (const args of [['run', '--config', config], ['--config', config], [`--config=${config}`]]) {
      const { code, ran } = await pilothoused(args)
      expect([code, ran[0]?.hostName]).toEqual([0, 'from-file'])
    }
  })

  it('refuses wrong arguments with exit 2 and a word', async () => {
    const wrong = [
      ['fly'],
      ['run', '--fast'],
      ['image'],
      ['image', 'build'],
      ['image', 'build', 'a', 'b'],
      ['run', 'x'],
    ]
    for (const args of wrong) {
      const { code, error, ran } = await pilothoused(args)
      expect([args, code, ran.length]).toEqual([args, 2, 0])
      expect(error).not.toBe('')
    }
  })

  it('refuses wrong settings with exit 2, one line each', async () => {
    const { code, error } = await pilothoused(['run', '--config', config], {
      PILOTHOUSE_LIMITS_CPUS: '0',
      PILOTHOUSE_X: '1',
    })
    expect(code).toBe(2)
    expect(error.split('\n')).toEqual([
      'pilothoused: environment variable PILOTHOUSE_X (value "1") names no setting',
      expect.stringContaining('pilothoused: setting limits.cpus (from PILOTHOUSE_LIMITS_CPUS) has the value "0"'),
    ])
  })

  it('prints the settings in effect', async () => {
    const { out } = await pilothoused(['settings', '--config', config], { PILOTHOUSE_LIMITS_CPUS: '3' })
    expect(JSON.parse(out)).toMatchObject({ hostName: 'from-file', limits: { cpus: 3, memoryMiB: 65_536 } })
  })

  it('lists images, and fails with a sentence for a recipe that does not exist', async () => {
    expect(await pilothoused(['image', 'list', '--config', config])).toMatchObject({ code: 0, out: '' })
    const { code, error } = await pilothoused(['image', 'build', 'nothing', '--config', config])
    expect([code, error]).toEqual([1, expect.stringContaining('There is no image recipe')])
  })
})
