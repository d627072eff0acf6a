import './lib/require-node.ts'
import { testMain } from './test/run-stages.ts'
import { chooseStages } from './test/stages.ts'

try {
  await testMain(chooseStages(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
