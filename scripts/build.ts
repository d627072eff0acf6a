import './lib/require-node.ts'
import { buildAll } from './lib/build.ts'
import { command } from './lib/command.ts'

await command(() => buildAll({ isForced: process.argv.includes('--force') }))
