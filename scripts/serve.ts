import './lib/require-node.ts'
import { buildAll } from './lib/build.ts'
import { command } from './lib/command.ts'
import { become } from './lib/mount.ts'
import { fromRoot, installedProgram } from './lib/paths.ts'

await command(async () => {
  await buildAll()
  become([installedProgram('node'), fromRoot('out', 'main', 'web.js'), ...process.argv.slice(2)])
})
