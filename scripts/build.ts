import './lib/require-node.ts'
import { buildAll } from './lib/build.ts'

await buildAll({ isForced: process.argv.includes('--force') })
