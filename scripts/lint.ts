import './lib/require-node.ts'
import { checksMain, LINT_CHECKS } from './lib/checks.ts'

await checksMain(LINT_CHECKS)
