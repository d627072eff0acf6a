import './lib/require-node.ts'
import { checksMain, TYPE_CHECKS } from './lib/checks.ts'

await checksMain(TYPE_CHECKS)
