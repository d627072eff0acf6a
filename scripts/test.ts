import './lib/require-node.ts'
import { command } from './lib/command.ts'
import { testMain } from './test/run-stages.ts'
import { chooseStages } from './test/stages.ts'

await command(() => testMain(chooseStages(process.argv.slice(2))))
