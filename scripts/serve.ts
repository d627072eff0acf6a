import './lib/require-node.ts'
import { buildAll } from './lib/build.ts'
import { become } from './lib/mount.ts'
import { fromRoot, installedProgram } from './lib/paths.ts'

await buildAll()
become([installedProgram('node'), fromRoot('out', 'main', 'web.js'), ...process.argv.slice(2)])
