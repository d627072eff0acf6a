/** `npm run faults [-- NAME…] [--seed N] [--kills N] [--sequences N]`: fault suites whole, by name where names are given. */
import './lib/require-node.ts'
import { parseArgs } from 'node:util'
import { readdirSync } from 'node:fs'
import { fromRoot } from './lib/paths.ts'
import { testMain } from './test/run-stages.ts'
import { FAULT_SUITES, type Stage } from './test/stages.ts'

const USAGE_STATUS = 2
const KNOBS = {
  seed: 'PILOTHOUSE_FAULT_SEED',
  kills: 'PILOTHOUSE_FAULT_KILLS',
  sequences: 'PILOTHOUSE_FAULT_SEQUENCES',
} as const

function suiteNames(): string[] {
  const files = readdirSync(fromRoot('test', 'faults')).filter((name) => name.endsWith('.test.ts'))
  return files.map((name) => name.replace('.test.ts', ''))
}

/** Throws what to say of words that are no fault suite or no number. */
function chosen(): Stage {
  const { values, positionals: names } = parseArgs({
    options: { seed: { type: 'string' }, kills: { type: 'string' }, sequences: { type: 'string' } },
    allowPositionals: true,
  })
  const unknown = names.find((name) => !suiteNames().includes(name))
  if (unknown !== undefined) {
    throw new Error(`There is no fault suite "${unknown}"; there are ${suiteNames().join(', ')}.`)
  }
  const environment: Record<string, string> = {}
  for (const knob of ['seed', 'kills', 'sequences'] as const) {
    const value = values[knob]
    if (value === undefined) continue
    if (!/^[0-9]{1,10}$/.test(value)) throw new Error(`--${knob} must be a whole number.`)
    environment[KNOBS[knob]] = value
  }
  return { ...FAULT_SUITES, environment, ...(names.length === 0 ? {} : { files: names.map(fileOf) }) } as Stage
}

function fileOf(name: string): string {
  return `test/faults/${name}.test.ts`
}

async function main(): Promise<void> {
  let stage: Stage
  try {
    stage = chosen()
  } catch (error) {
    console.error(
      `${(error as Error).message}\nusage: npm run faults [-- NAME…] [--seed N] [--kills N] [--sequences N]`,
    )
    process.exitCode = USAGE_STATUS
    return
  }
  await testMain([stage])
}

await main()
