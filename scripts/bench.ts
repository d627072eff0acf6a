/** `npm run bench -- spawn|rpc|console|ops|restore|… [--pairs N]`: progress on stderr, one JSON line per metric on stdout. */
import './lib/require-node.ts'
import { benchBackupStatus } from '../test/bench/backup-status.ts'
import { benchConsole } from '../test/bench/console.ts'
import { benchOps } from '../test/bench/ops.ts'
import { benchRestore } from '../test/bench/restore.ts'
import { benchRpc } from '../test/bench/rpc.ts'
import { benchSpawn } from '../test/bench/spawn.ts'
import type { Bench } from '../test/bench/lib/bench-deps.ts'

const BENCHES: Readonly<Record<string, Bench>> = {
  spawn: benchSpawn,
  rpc: benchRpc,
  console: benchConsole,
  ops: benchOps,
  'backup-status': benchBackupStatus,
  restore: benchRestore,
}
const USAGE = `usage: npm run bench -- ${Object.keys(BENCHES).join('|')} [--pairs N]`
const USAGE_STATUS = 2

function pairsOf(words: readonly string[]): { pairs?: number } | undefined {
  if (words.length === 0) return {}
  const pairs = Number(words[1])
  return words.length === 2 && words[0] === '--pairs' && Number.isInteger(pairs) && pairs > 0 ? { pairs } : undefined
}

async function main(): Promise<number> {
  const [name = '', ...words] = process.argv.slice(2)
  const bench = BENCHES[name]
  const options = pairsOf(words)
  if (bench === undefined || options === undefined) {
    console.error(USAGE)
    return USAGE_STATUS
  }
  const lines = await bench({ ...options, onProgress: (sentence) => console.error(sentence) })
  for (const line of lines) console.log(JSON.stringify(line))
  return 0
}

process.exitCode = await main()
