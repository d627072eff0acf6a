import './lib/require-node.ts'
import { writeFile } from 'node:fs/promises'
import { renderAll } from './docs/render-all.ts'
import { fromRoot } from './lib/paths.ts'

for (const [path, text] of renderAll()) {
  await writeFile(fromRoot(path), text)
  console.log(path)
}
