import './lib/require-node.ts'
import { testMain } from './test/run-stages.ts'
import { FAULT_SUITES } from './test/stages.ts'

await testMain([FAULT_SUITES])
